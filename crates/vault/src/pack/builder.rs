//! Writing packs: chunks are compressed and encrypted where they will be stored.

use std::io::Cursor;

use ostler_vocabulary::VaultId;
use zeroize::Zeroizing;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::layout::{self, ENTRY, Encoding, Entry, FOOTER, HEADER, PackTable};
use crate::chunk::ChunkKind;
use crate::cipher::{Cipher, TAG};
use crate::{ChunkId, Error, PackId, Vault, cipher};

const INFO: &[u8] = b"ostler vault v1 pack key";
/// Below this a frame's own bytes outweigh what it saves.
const SMALLEST_FRAME: usize = 32;
/// From here on a chunk is compressed with the larger table.
const LARGE: usize = 256 << 10;
/// After a chunk that did not shrink, one this long is probed before it is compressed as a whole.
const PROBED: usize = 64 << 10;
const PROBE: usize = 4 << 10;

/// What is bound to a sealed pack key.
pub(super) fn info(vault: VaultId) -> Vec<u8> {
    [INFO, vault.as_bytes()].concat()
}

/// A pack that is being filled. Each has a fresh random key, and each nonce under it is used once: the number of
/// the entry, which only grows.
#[derive(Debug)]
pub(crate) struct PackBuilder {
    cipher: Cipher,
    vault: VaultId,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    plain: u64,
}

/// A pack that is ready to be stored.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) bytes: Vec<u8>,
    pub(crate) table: PackTable,
    /// Plaintext bytes of file contents in it.
    pub(crate) plain: u64,
}

impl PackBuilder {
    /// An empty pack in `buffer`, whose room is reused.
    pub(crate) fn new(vault: &Vault, mut buffer: Vec<u8>) -> Result<Self, Error> {
        let key = Zeroizing::new(cipher::random::<32>()?);
        let epoch = vault.keys().newest();
        let sealed = epoch.seal_key(vault.suite(), vault.id(), &info(vault.id()), &key)?;
        buffer.clear();
        buffer.extend_from_slice(&layout::header(vault.suite(), epoch.number, vault.id(), &sealed));
        Ok(Self {
            cipher: Cipher::new(vault.suite(), &key),
            vault: vault.id(),
            bytes: buffer,
            entries: Vec::new(),
            plain: 0,
        })
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.entries.len() * ENTRY
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Compresses where that helps, and seals.
    pub(crate) fn push(
        &mut self,
        press: &mut Press,
        kind: ChunkKind,
        id: ChunkId,
        plaintext: &[u8],
    ) -> Result<(), Error> {
        let start = self.bytes.len();
        let encoding = press.append(plaintext, &mut self.bytes)?;
        self.seal(start, kind, encoding, id, plaintext.len())
    }

    /// Seals a chunk that is already in this encoding: repacking does not compress again.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the collector's faster way, not taken yet")
    )]
    pub(crate) fn push_encoded(
        &mut self,
        kind: ChunkKind,
        encoding: Encoding,
        id: ChunkId,
        length: u32,
        encoded: &[u8],
    ) -> Result<(), Error> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(encoded);
        self.seal(start, kind, encoding, id, length as usize)
    }

    fn seal(
        &mut self,
        start: usize,
        kind: ChunkKind,
        encoding: Encoding,
        id: ChunkId,
        length: usize,
    ) -> Result<(), Error> {
        let too_large = |what: &str, size: usize, limit: u64| Error::TooLarge {
            what: what.to_owned(),
            size: size as u64,
            limit,
        };
        let number =
            |value: usize| u32::try_from(value).map_err(|_| too_large("a pack", value, u64::from(u32::MAX)));
        if length > layout::MAX_CHUNK {
            return Err(too_large("a chunk", length, layout::MAX_CHUNK as u64));
        }
        let entry = Entry {
            kind,
            encoding,
            id,
            offset: number(start)?,
            stored: number(self.bytes.len() - start + TAG)?,
            length: number(length)?,
        };
        let nonce = layout::nonce(number(self.entries.len())?);
        #[cfg(test)]
        crate::nonce_witness::seen(&self.bytes[32..HEADER], nonce);
        let tag = self
            .cipher
            .seal(nonce, &entry.context(self.vault), &mut self.bytes[start..])
            .map_err(|_| Error::Internal("could not seal a chunk".to_owned()))?;
        self.bytes.extend_from_slice(&tag);
        self.entries.push(entry);
        if kind == ChunkKind::Data {
            self.plain += length as u64;
        }
        Ok(())
    }

    /// Appends table and footer, and gives the pack its name.
    pub(crate) fn finish(mut self) -> Result<Finished, Error> {
        let header: [u8; HEADER] = *self
            .bytes
            .first_chunk()
            .ok_or_else(|| Error::Internal("a pack lost its header".to_owned()))?;
        let start = self.bytes.len();
        self.bytes.reserve(self.entries.len() * ENTRY + TAG + FOOTER);
        for entry in &self.entries {
            entry.write(&mut self.bytes);
        }
        #[cfg(test)]
        crate::nonce_witness::seen(&self.bytes[32..HEADER], layout::TABLE_NONCE);
        let tag = self
            .cipher
            .seal(layout::TABLE_NONCE, &header, &mut self.bytes[start..])
            .map_err(|_| Error::Internal("could not seal a table".to_owned()))?;
        self.bytes.extend_from_slice(&tag);
        let table = u32::try_from(self.bytes.len() - start)
            .map_err(|_| Error::Internal("a table is too long".to_owned()))?;
        self.bytes.extend_from_slice(&layout::footer(table));
        let table = PackTable {
            id: PackId(*blake3::hash(&self.bytes).as_bytes()),
            size: self.bytes.len() as u64,
            header,
            entries: self.entries,
        };
        Ok(Finished {
            bytes: self.bytes,
            table,
            plain: self.plain,
        })
    }
}

/// Compresses chunks, and learns when not to.
pub(crate) struct Press {
    /// For chunks below [`LARGE`].
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
    /// zstd's level 1 takes three quarters of the time of level 3, and makes 2 % more of small files. On large chunks a
    /// larger table and longer matches win back most of what it loses there; see `benches/README.md`.
    pub(crate) fn new() -> Result<Self, Error> {
        let mut large = compressor()?;
        for parameter in [CParameter::HashLog(16), CParameter::MinMatch(7)] {
            large.set_parameter(parameter).map_err(set_up)?;
        }
        Ok(Self {
            small: compressor()?,
            large,
            last_was_solid: false,
        })
    }

    /// Appends `plaintext` to `bytes`, compressed if that saves about three per cent.
    fn append(&mut self, plaintext: &[u8], bytes: &mut Vec<u8>) -> Result<Encoding, Error> {
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
                .map_err(|error| Error::Internal(format!("could not compress a chunk: {error}")))?;
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

    /// Tries small samples of a large chunk, if the one before it did not shrink: media and archives come in runs.
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

fn compressor() -> Result<Compressor<'static>, Error> {
    Compressor::new(1).map_err(set_up)
}

fn set_up(error: std::io::Error) -> Error {
    Error::Internal(format!("could not set up zstd: {error}"))
}
