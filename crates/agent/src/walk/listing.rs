//! The names of one directory, sorted, in one block of memory.

use std::io;
use std::mem::MaybeUninit;

use rustix::fd::AsFd;
use rustix::fs::{OFlags, RawDir};

/// Reads directories with one buffer for all.
pub(crate) struct Lister {
    buffer: Vec<MaybeUninit<u8>>,
}

/// The names of a directory but `.` and `..`, in byte order.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bytes: Vec<u8>,
    ends: Vec<(u32, u32)>,
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let (start, end) = self.ends[index];
        &self.bytes[start as usize..end as usize]
    }
}

impl Lister {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![MaybeUninit::uninit(); 64 * 1024],
        }
    }

    /// `directory` is open for reading, at its start.
    pub(crate) fn names(&mut self, directory: impl AsFd) -> io::Result<Names> {
        let mut names = Names::default();
        let mut entries = RawDir::new(directory, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let start = names.bytes.len();
            names.bytes.extend_from_slice(name);
            let position = |at: usize| {
                u32::try_from(at).map_err(|_| io::Error::other("the directory has more than 4 GiB of names"))
            };
            names.ends.push((position(start)?, position(names.bytes.len())?));
        }
        let Names { bytes, ends } = &mut names;
        ends.sort_unstable_by(|a, b| {
            bytes[a.0 as usize..a.1 as usize].cmp(&bytes[b.0 as usize..b.1 as usize])
        });
        Ok(names)
    }
}

/// How directories are opened to be listed.
pub(crate) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
