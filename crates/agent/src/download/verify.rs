//! Whether a file already holds the content that the backup has; times are never trusted for that.

use std::io;

use ostler_vault::Reader;
use ostler_vault::list::Extent;
use rustix::fd::BorrowedFd;
use rustix::fs::Advice;

use crate::Error;
use crate::stop::Stop;
use crate::upload::content::{is_zero, read_full};

/// No chunk is longer; what says otherwise is damaged.
const LONGEST: usize = 64 << 20;

/// Reads a file and compares it chunk by chunk with what it should be, without reading the vault.
pub(crate) fn same_content(
    reader: &Reader,
    file: BorrowedFd<'_>,
    size: u64,
    content: &[Extent],
    buffer: &mut Vec<u8>,
    stop: &Stop,
) -> Result<io::Result<bool>, Error> {
    if content.len() > 1 {
        let _ = rustix::fs::fadvise(file, 0, None, Advice::Sequential);
    }
    let mut at = 0_u64;
    for extent in content {
        match *extent {
            Extent::Chunk { id, length } => {
                stop.check()?;
                let length = length as usize;
                if length > LONGEST {
                    return Ok(Ok(false));
                }
                if buffer.len() < length {
                    buffer.resize(length, 0);
                }
                let piece = &mut buffer[..length];
                match read_full(file, piece, at) {
                    Ok(read) if read == length => {}
                    Ok(_) => return Ok(Ok(false)),
                    Err(error) => return Ok(Err(error)),
                }
                if reader.id_of(piece) != id {
                    return Ok(Ok(false));
                }
                at += length as u64;
            }
            Extent::Zeros { length } => {
                let end = at.saturating_add(length);
                if end > size {
                    return Ok(Ok(false));
                }
                if buffer.len() < 1 << 20 {
                    buffer.resize(1 << 20, 0);
                }
                while at < end {
                    stop.check()?;
                    // A hole is zeros without being read.
                    if let Ok(data) = rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at))
                        && data > at
                    {
                        at = data.min(end);
                        continue;
                    }
                    let piece = &mut buffer[..(end - at).min(1 << 20) as usize];
                    match read_full(file, piece, at) {
                        Ok(read) if read == piece.len() => {}
                        Ok(_) => return Ok(Ok(false)),
                        Err(error) => return Ok(Err(error)),
                    }
                    if !is_zero(piece) {
                        return Ok(Ok(false));
                    }
                    at += piece.len() as u64;
                }
            }
        }
    }
    Ok(Ok(at == size))
}
