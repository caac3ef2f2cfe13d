//! Compressing blocks.

use std::io::Cursor;

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::layout::Encoding;
use crate::Error;
use crate::cipher::TAG;

/// Below this a frame's own bytes outweigh what it saves.
const SMALLEST_FRAME: usize = 32;
/// From here on a block is compressed with the larger table.
const LARGE: usize = 256 << 10;
/// After a block that did not shrink, one this long is probed before it is compressed as a whole.
const PROBED: usize = 64 << 10;
const PROBE: usize = 4 << 10;

/// Compresses blocks, and learns when not to.
pub(crate) struct Press {
    /// For blocks below [`LARGE`].
    small: Compressor<'static>,
    large: Compressor<'static>,
    last_was_solid: bool,
}

impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Press")
    }
}

impl Press {
    /// zstd's level 1 takes three quarters of the time of level 3. A larger table wins back most of what it loses, with
    /// shorter matches in small files and longer ones in large; see `docs/adr/0005-compression.md`.
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self {
            small: compressor(15, 5)?,
            large: compressor(16, 7)?,
            last_was_solid: false,
        })
    }

    /// Appends `plaintext` to `bytes`, compressed if that saves about three per cent.
    pub(super) fn append(&mut self, plaintext: &[u8], bytes: &mut Vec<u8>) -> Result<Encoding, Error> {
        let start = bytes.len();
        let worthwhile = plaintext.len() - plaintext.len() / 32;
        if plaintext.len() >= SMALLEST_FRAME && !self.looks_solid(plaintext)? {
            bytes.reserve(zstd::zstd_safe::compress_bound(plaintext.len()) + TAG);
            let mut target = Cursor::new(&mut *bytes);
            target.set_position(start as u64);
            let compressor = if plaintext.len() < LARGE {
                &mut self.small
            } else {
                &mut self.large
            };
            let length = compressor
                .compress_to_buffer(plaintext, &mut target)
                .map_err(|error| Error::Internal(format!("could not compress a block: {error}")))?;
            if length < worthwhile {
                self.last_was_solid = false;
                return Ok(Encoding::Zstd);
            }
            bytes.truncate(start);
            self.last_was_solid = plaintext.len() >= PROBED;
        }
        bytes.extend_from_slice(plaintext);
        Ok(Encoding::Stored)
    }

    /// Tries small samples of a large block, if the one before it did not shrink: media and archives come in runs.
    fn looks_solid(&mut self, plaintext: &[u8]) -> Result<bool, Error> {
        if !self.last_was_solid || plaintext.len() < PROBED {
            return Ok(false);
        }
        let mut target = [0_u8; PROBE + 256];
        for part in 0..4 {
            let at = (plaintext.len() - PROBE) / 3 * part;
            let sample = &plaintext[at..at + PROBE];
            match self.small.compress_to_buffer(sample, &mut target[..]) {
                Ok(length) if length >= PROBE - PROBE / 16 => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

fn compressor(hash_log: u32, shortest: u32) -> Result<Compressor<'static>, Error> {
    let set_up = |error| Error::Internal(format!("could not set up zstd: {error}"));
    let mut compressor = Compressor::new(1).map_err(set_up)?;
    for parameter in [CParameter::HashLog(hash_log), CParameter::MinMatch(shortest)] {
        compressor.set_parameter(parameter).map_err(set_up)?;
    }
    Ok(compressor)
}
