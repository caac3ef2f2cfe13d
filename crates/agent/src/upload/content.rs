//! Reads content into chunks.

use std::io;

use ostler_vault::list::Extent;
use ostler_vault::{ChunkKind, ChunkSink};
use ostler_vocabulary::Progress;
use rustix::fd::BorrowedFd;
use rustix::fs::{Advice, SeekFrom};
use rustix::io::Errno;

use crate::Error;
use crate::stop::Stop;

/// How far ahead of hashing a large file is asked for.
const AHEAD: u64 = 4 << 20;

/// Why a piece of a file could not be turned into chunks.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The file; the others go on.
    File(io::Error),
    /// The vault, or somebody cancelled.
    Request(Error),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

/// One worker's sink and buffer.
#[derive(Debug)]
pub(crate) struct Chunker<'a> {
    sink: ChunkSink,
    buffer: Vec<u8>,
    pub(crate) chunk: usize,
    stop: &'a Stop,
    progress: &'a Progress,
}

impl<'a> Chunker<'a> {
    pub(crate) fn new(sink: ChunkSink, chunk: usize, stop: &'a Stop, progress: &'a Progress) -> Self {
        Self {
            sink,
            // One more byte than a chunk: a file that has grown shows at once.
            buffer: vec![0; chunk + 1],
            chunk,
            stop,
            progress,
        }
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        self.sink.finish().map_err(Error::vault("store the last chunks"))
    }

    /// Reads a file of at most one chunk in one call. `None` when it is not of this size any more.
    pub(crate) fn small(
        &mut self,
        fd: BorrowedFd<'_>,
        size: usize,
    ) -> Result<Option<Vec<Extent>>, ReadError> {
        debug_assert!(size <= self.chunk, "larger files are read in pieces");
        if size == 0 {
            return Ok(Some(Vec::new()));
        }
        if read_full(fd, &mut self.buffer[..=size], 0).map_err(ReadError::File)? != size {
            return Ok(None);
        }
        let mut extents = Vec::with_capacity(1);
        self.store(size, &mut extents)?;
        Ok(Some(extents))
    }

    /// Reads a range, which starts at a multiple of the chunk size. Gives fewer bytes only where the file ends.
    pub(crate) fn range(
        &mut self,
        fd: BorrowedFd<'_>,
        start: u64,
        end: u64,
        sparse: bool,
        extents: &mut Vec<Extent>,
    ) -> Result<u64, ReadError> {
        let mut at = start;
        let mut data_until = start;
        if !sparse {
            advise(fd, start, AHEAD.min(end - start));
        }
        while at < end {
            self.stop.check()?;
            let length = end.saturating_sub(at).min(self.chunk as u64);
            if sparse && at >= data_until {
                let data = match rustix::fs::seek(fd, SeekFrom::Data(at)) {
                    Ok(data) => data,
                    // Nothing but a hole up to the end, unless the file has become shorter.
                    Err(Errno::NXIO) => {
                        let size = crate::stat::Stat::of(fd).map_err(ReadError::File)?.size;
                        if size < end {
                            zeros(extents, size.saturating_sub(at));
                            return Ok(size.max(at) - start);
                        }
                        end
                    }
                    Err(_) => at,
                };
                // Whole chunks of a hole are not read. Smaller holes are found again among zeros by the restore.
                let hole = (data.min(end) - at) / self.chunk as u64 * self.chunk as u64;
                let hole = if data >= end { end - at } else { hole };
                if hole > 0 {
                    zeros(extents, hole);
                    self.progress.add_done(hole);
                    at += hole;
                    continue;
                }
                data_until = match rustix::fs::seek(fd, SeekFrom::Hole(data)) {
                    Ok(hole) => hole,
                    Err(_) => end,
                };
                // What is asked for of a hole fills the page cache with zeros, at the speed of memory.
                advise(fd, at, AHEAD.min(data_until.min(end).saturating_sub(at)));
            }
            if at + AHEAD < end && (!sparse || at + AHEAD < data_until) {
                advise(fd, at + AHEAD, self.chunk as u64);
            }
            #[expect(clippy::cast_possible_truncation, reason = "at most the size of a chunk")]
            let wanted = length as usize;
            let read = read_full(fd, &mut self.buffer[..wanted], at).map_err(ReadError::File)?;
            if read > 0 {
                self.store(read, extents)?;
                at += read as u64;
            }
            if read < wanted {
                break;
            }
        }
        Ok(at - start)
    }

    /// Stores the first bytes of the buffer.
    fn store(&mut self, length: usize, extents: &mut Vec<Extent>) -> Result<(), ReadError> {
        let data = &self.buffer[..length];
        if is_zero(data) {
            zeros(extents, length as u64);
        } else {
            let stored = self
                .sink
                .put(ChunkKind::Data, data)
                .map_err(Error::vault("store a chunk"))?;
            extents.push(Extent::Chunk {
                id: stored.id,
                length: u32::try_from(length)
                    .map_err(|_| ReadError::File(io::ErrorKind::FileTooLarge.into()))?,
            });
        }
        self.progress.add_done(length as u64);
        Ok(())
    }
}

/// Appends zeros, to those before where there are any.
pub(crate) fn zeros(extents: &mut Vec<Extent>, more: u64) {
    if more == 0 {
        return;
    }
    if let Some(Extent::Zeros { length }) = extents.last_mut() {
        *length += more;
    } else {
        extents.push(Extent::Zeros { length: more });
    }
}

fn advise(fd: BorrowedFd<'_>, offset: u64, length: u64) {
    // Only advice: some file systems do not take it.
    let _ = rustix::fs::fadvise(fd, offset, std::num::NonZeroU64::new(length), Advice::WillNeed);
}

/// Whether there is nothing but zeros. Most data shows in its first bytes that it is not.
pub(crate) fn is_zero(data: &[u8]) -> bool {
    let (head, rest) = data.split_at(data.len().min(64));
    head.iter().all(|byte| *byte == 0)
        && rest
            .chunks(4096)
            .all(|block| block.iter().fold(0, |all, byte| all | byte) == 0)
}

/// Reads the whole buffer, or up to the end of the file.
pub(crate) fn read_full(fd: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        // A short read of a regular file is its end; asking again would cost a call a file. Where it is not, the size
        // does not fit and the file is read again.
        match rustix::io::pread(fd, &mut *buffer, offset) {
            Ok(read) => return Ok(read),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
