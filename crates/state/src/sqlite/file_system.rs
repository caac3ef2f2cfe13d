//! Which file systems a journal may not live on.

use std::path::Path;

use crate::{Error, NoSpace};

/// A file system with less room than this is full: a write-ahead log and its index take as much.
const LEAST: u64 = 128 << 10;

/// The name of a network file system by the kernel's magic number (`statfs(2)`, `linux/magic.h`), or `None`.
pub(super) fn network_name(magic: u64) -> Option<&'static str> {
    // The field is signed and of differing width; the numbers are 32 bits.
    Some(match magic & 0xFFFF_FFFF {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 => "SMB",
        0xFF53_4D42 => "CIFS",
        0x564C => "NCP",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x00C3_6400 => "Ceph",
        0x0102_1997 => "9P",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x0116_1970 => "GFS2",
        0x7461_636F => "OCFS2",
        _ => return None,
    })
}

pub(super) fn refuse_network(directory: &Path) -> Result<(), Error> {
    let stat = rustix::fs::statfs(directory).map_err(|errno| Error::Directory {
        path: directory.to_owned(),
        source: errno.into(),
    })?;
    match network_name(stat.f_type as u64) {
        Some(name) => Err(Error::NetworkFileSystem {
            path: directory.to_owned(),
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Tells whether the file system of a directory has no space left; of one that cannot be asked it is not known.
pub(crate) fn no_space(directory: &Path) -> Option<NoSpace> {
    let stat = rustix::fs::statvfs(directory).ok()?;
    // Root may use what is reserved.
    let free = match rustix::process::geteuid().is_root() {
        true => stat.f_bfree,
        false => stat.f_bavail,
    };
    (free.saturating_mul(stat.f_frsize) < LEAST).then(|| NoSpace {
        path: directory.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::network_name;

    #[test]
    fn network_file_systems_are_known_by_their_magic() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(
            network_name(i64::from(0xFF53_4D42_u32 as i32) as u64),
            Some("CIFS")
        );
        for (local, magic) in [
            ("ext4", 0xEF53),
            ("xfs", 0x5846_5342),
            ("btrfs", 0x9123_683E),
            ("tmpfs", 0x0102_1994),
        ] {
            assert_eq!(network_name(magic), None, "{local}");
        }
    }
}
