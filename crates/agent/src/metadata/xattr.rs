//! Extended attributes, access control lists and capabilities among them.

use std::io;
use std::os::fd::AsRawFd;

use rustix::fd::BorrowedFd;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

pub(crate) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Where attributes are: on an open file or directory, or on an entry that cannot or must not be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Open(BorrowedFd<'a>),
    Entry(BorrowedFd<'a>, &'a [u8]),
}

impl Place<'_> {
    /// There is no `xattrat` everywhere yet; the way through `/proc` follows nothing but the directory's descriptor.
    fn path(directory: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
        let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        path
    }

    fn list(self, buffer: &mut [u8]) -> rustix::io::Result<usize> {
        match self {
            Self::Open(fd) => rustix::fs::flistxattr(fd, buffer),
            Self::Entry(directory, name) => rustix::fs::llistxattr(Self::path(directory, name), buffer),
        }
    }

    fn get(self, attribute: &[u8], buffer: &mut [u8]) -> rustix::io::Result<usize> {
        match self {
            Self::Open(fd) => rustix::fs::fgetxattr(fd, attribute, buffer),
            Self::Entry(directory, name) => {
                rustix::fs::lgetxattr(Self::path(directory, name), attribute, buffer)
            }
        }
    }

    fn set(self, attribute: &[u8], value: &[u8]) -> rustix::io::Result<()> {
        match self {
            Self::Open(fd) => rustix::fs::fsetxattr(fd, attribute, value, XattrFlags::empty()),
            Self::Entry(directory, name) => {
                rustix::fs::lsetxattr(Self::path(directory, name), attribute, value, XattrFlags::empty())
            }
        }
    }

    fn remove(self, attribute: &[u8]) -> rustix::io::Result<()> {
        match self {
            Self::Open(fd) => rustix::fs::fremovexattr(fd, attribute),
            Self::Entry(directory, name) => rustix::fs::lremovexattr(Self::path(directory, name), attribute),
        }
    }
}

/// Calls with ever larger buffers until the answer fits; the kernel's own limit is 64 KiB.
fn grown(mut call: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut small = [0; 512];
    match call(&mut small) {
        Ok(length) => return Ok(small[..length].to_vec()),
        Err(Errno::RANGE) => {}
        Err(error) => return Err(error),
    }
    let mut large = vec![0; 64 * 1024];
    let length = call(&mut large)?;
    large.truncate(length);
    Ok(large)
}

fn names(place: Place<'_>) -> rustix::io::Result<Vec<Vec<u8>>> {
    let list = match grown(|buffer| place.list(buffer)) {
        Ok(list) => list,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

/// All attributes, sorted by name. One system call where there are none.
pub(crate) fn read(place: Place<'_>) -> io::Result<Xattrs> {
    let mut xattrs = Vec::new();
    for name in names(place)? {
        match grown(|buffer| place.get(&name, buffer)) {
            Ok(value) => xattrs.push((name, value)),
            // Gone in the meantime, or not readable with our rights although listed (`trusted.`, `security.`).
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    xattrs.sort();
    Ok(xattrs)
}

/// Whether an attribute is made by the system itself, or can only be set with rights we may not have.
pub(crate) fn needs_privilege(name: &[u8]) -> bool {
    name.starts_with(b"security.") || name.starts_with(b"trusted.")
}

/// Sets all that differ and removes those that users set and the backup does not have. Gives the first name that
/// could not be set, with the reason.
pub(crate) fn restore(place: Place<'_>, xattrs: &Xattrs, root: bool) -> Result<(), (Vec<u8>, io::Error)> {
    let mut failed = None;
    let there = match read(place) {
        Ok(there) => there,
        Err(_) if xattrs.is_empty() => return Ok(()),
        Err(error) => return Err((b"list".to_vec(), error)),
    };
    if there == *xattrs {
        return Ok(());
    }
    for (name, _) in &there {
        if !needs_privilege(name) && !xattrs.iter().any(|(wanted, _)| wanted == name) {
            // An inherited access list that cannot be removed is found by comparing.
            let _ = place.remove(name);
        }
    }
    for (name, value) in xattrs {
        if there.iter().any(|(have, is)| have == name && is == value) {
            continue;
        }
        if let Err(error) = place.set(name, value)
            && (root || !needs_privilege(name))
            && failed.is_none()
        {
            failed = Some((name.clone(), error.into()));
        }
    }
    failed.map_or(Ok(()), Err)
}
