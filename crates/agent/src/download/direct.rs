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
}

impl Aligned {
    /// Writes whole blocks; what is missing of the last one is zeros. Where the file system does not want it this way,
    /// the file is written through the cache from here on.
    pub(super) fn write(&mut self, fd: BorrowedFd<'_>, data: &[u8], at: u64) -> io::Result<()> {
        let padded = data.len().next_multiple_of(BLOCK);
        self.bytes.resize(self.bytes.len().max(padded + BLOCK), 0);
        let start = self.bytes.as_ptr().align_offset(BLOCK);
        // Only a promise of the standard library keeps this from being `usize::MAX`.
        let Some(block) = start
            .checked_add(padded)
            .and_then(|end| self.bytes.get_mut(start..end))
        else {
            return through_cache(fd, data, at);
        };
        block[..data.len()].copy_from_slice(data);
        block[data.len()..].fill(0);
        match write_all(fd, block, at) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => through_cache(fd, data, at),
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

    #[test]
    fn what_is_written_is_the_data_and_zeros_up_to_the_next_block() {
        // `/tmp` may be in memory, where older kernels refuse to go past the cache.
        let top = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = top.path().join("f");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap();
        let file = options.clone().custom_flags(flags).open(&path);
        let file = file.or_else(|_| options.open(&path)).unwrap();
        let data: Vec<u8> = (0..10_000_u32).map(|i| (i % 251) as u8).collect();
        let mut aligned = Aligned::default();
        aligned.write(file.as_fd(), &data[..8192], 0).unwrap();
        // From an odd address, and with an end that is no block's.
        aligned.write(file.as_fd(), &data[1..1001], 8192).unwrap();
        assert!(ends_padded(8192 + 1000));
        let read = std::fs::read(&path).unwrap();
        assert_eq!(read[..8192], data[..8192]);
        assert_eq!(read[8192..9192], data[1..1001]);
        assert!(read[9192..].iter().all(|byte| *byte == 0));
    }
}
