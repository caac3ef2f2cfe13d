//! Large files are written past the page cache. Who restores much reads little of it soon, and the disk is at work from
//! the first chunk on: on a disk that takes 2 GB/s, writing through the cache and out of it again made 0.9 GB/s.

use std::io;

use ostler_vault::list::Extent;
use rustix::fd::BorrowedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::file::write_all;
use super::task::Task;

/// Files from this size on, in bytes. Below it a file costs more to be waited for than to be copied.
const LEAST: u64 = 1 << 20;
/// What offsets, lengths and addresses are multiples of; no disk asks for more.
const BLOCK: usize = 4096;

/// Whether a file is large, and whole blocks are all that is written to it, but for the end.
pub(super) fn suits(task: &Task) -> bool {
    if task.size() < LEAST || task.is_sparse() {
        return false;
    }
    let mut at = 0_u64;
    task.content().iter().all(|extent| match *extent {
        Extent::Chunk { length, .. } => {
            let whole = at.is_multiple_of(BLOCK as u64);
            at = at.saturating_add(u64::from(length));
            whole
        }
        Extent::Zeros { length } => {
            at = at.saturating_add(length);
            true
        }
    })
}

/// Whether a file that was written this way ends with bytes that are not its own.
pub(super) fn ends_padded(size: u64) -> bool {
    !size.is_multiple_of(BLOCK as u64)
}

/// A buffer that begins at an address that disks can be given.
#[derive(Debug, Default)]
pub(super) struct Aligned {
    bytes: Vec<u8>,
    length: usize,
}

impl Aligned {
    /// Takes a copy, with zeros up to the next whole block.
    pub(super) fn fill(&mut self, data: &[u8]) {
        self.length = data.len();
        let padded = data.len().next_multiple_of(BLOCK);
        self.bytes.resize(self.bytes.len().max(padded + BLOCK), 0);
        let start = self.start();
        self.bytes[start..start + data.len()].copy_from_slice(data);
        self.bytes[start + data.len()..start + padded].fill(0);
    }

    /// Where an aligned address is; anywhere is right, only slower, where none is known.
    fn start(&self) -> usize {
        match self.bytes.as_ptr().align_offset(BLOCK) {
            start if start < BLOCK => start,
            _ => 0,
        }
    }

    /// What was filled in.
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start()..][..self.length]
    }

    /// Writes whole blocks. Where the file system does not want it this way, the file is written through the cache from
    /// here on.
    pub(super) fn write(&self, fd: BorrowedFd<'_>, at: u64) -> io::Result<()> {
        let blocks = &self.bytes[self.start()..][..self.length.next_multiple_of(BLOCK)];
        match write_all(fd, blocks, at) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => {
                through_cache(fd, self.data(), at)
            }
            written => written,
        }
    }
}

fn through_cache(fd: BorrowedFd<'_>, data: &[u8], at: u64) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    rustix::fs::fcntl_setfl(fd, flags.difference(OFlags::DIRECT))?;
    write_all(fd, data, at)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::fs::OpenOptionsExt;

    use super::{Aligned, ends_padded};

    /// A new file that is written past the page cache, where the file system of the sources can do that.
    fn direct(top: &tempfile::TempDir) -> (std::path::PathBuf, std::fs::File) {
        let path = top.path().join("f");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap();
        let file = options.clone().custom_flags(flags).open(&path);
        let file = file.or_else(|_| options.open(&path)).unwrap();
        (path, file)
    }

    #[test]
    fn what_is_written_is_the_data_and_zeros_up_to_the_next_block() {
        // `/tmp` may be in memory, where older kernels refuse to go past the cache.
        let top = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let (path, file) = direct(&top);
        let data: Vec<u8> = (0..10_000_u32).map(|i| (i % 251) as u8).collect();
        let mut aligned = Aligned::default();
        aligned.fill(&data[..8192]);
        aligned.write(file.as_fd(), 0).unwrap();
        // From an odd address, and with an end that is no block's.
        aligned.fill(&data[1..1001]);
        assert_eq!(aligned.data(), &data[1..1001]);
        aligned.write(file.as_fd(), 8192).unwrap();
        assert!(ends_padded(8192 + 1000));
        let read = std::fs::read(&path).unwrap();
        assert_eq!(read[..8192], data[..8192]);
        assert_eq!(read[8192..9192], data[1..1001]);
        assert!(read[9192..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_the_disk_refuses_is_written_through_the_cache_and_so_is_all_that_follows() {
        let top = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let (path, file) = direct(&top);
        let mut aligned = Aligned::default();
        aligned.fill(&[7; 5000]);
        // No disk takes a block at an odd place.
        aligned.write(file.as_fd(), 1).unwrap();
        let flags = rustix::fs::fcntl_getfl(file.as_fd()).unwrap();
        assert!(!flags.contains(rustix::fs::OFlags::DIRECT));
        aligned.fill(&[8; 10]);
        aligned.write(file.as_fd(), 5001).unwrap();
        let read = std::fs::read(&path).unwrap();
        assert_eq!(read[1..5001], [7; 5000]);
        assert_eq!(read[5001..5011], [8; 10]);
    }
}
