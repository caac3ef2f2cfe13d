//! Writing packs: blocks are compressed and encrypted where they will be stored.

use ostler_vocabulary::VaultId;
use zeroize::Zeroizing;

use super::Press;
use super::layout::{self, Block, Contents, Context, Encoding, FOOTER, HEADER, Member, PackTable};
use crate::chunk::ChunkKind;
use crate::cipher::{Cipher, TAG};
use crate::{Error, PackId, Vault, cipher};

const INFO: &[u8] = b"ostler vault v1 pack key";

/// What is bound to a sealed pack key.
pub(super) fn info(vault: VaultId) -> Vec<u8> {
    [INFO, vault.as_bytes()].concat()
}

/// A pack that is being filled. Each has a fresh random key, and each nonce under it is used once: the number of
/// the block, which only grows.
#[derive(Debug)]
pub(crate) struct PackBuilder {
    cipher: Cipher,
    vault: VaultId,
    bytes: Vec<u8>,
    contents: Contents,
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
        let keys = vault.keys();
        let epoch = keys.newest()?;
        let sealed = epoch.seal_key(vault.suite(), vault.id(), &info(vault.id()), &key)?;
        buffer.clear();
        buffer.extend_from_slice(&layout::header(vault.suite(), epoch.number, vault.id(), &sealed));
        Ok(Self {
            cipher: Cipher::new(vault.suite(), &key),
            vault: vault.id(),
            bytes: buffer,
            contents: Contents::default(),
            plain: 0,
        })
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.contents.size()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Makes one block of `chunks`, whose bytes are `plaintext`: compresses where that helps, and seals.
    pub(crate) fn push(
        &mut self,
        press: &mut Press,
        kind: ChunkKind,
        chunks: &[Member],
        plaintext: &[u8],
    ) -> Result<(), Error> {
        let start = self.bytes.len();
        let encoding = press.append(plaintext, &mut self.bytes)?;
        self.seal(start, kind, encoding, chunks, plaintext.len())
    }

    /// Seals a block that is already in this encoding: repacking does not compress again.
    pub(crate) fn push_encoded(
        &mut self,
        kind: ChunkKind,
        encoding: Encoding,
        chunks: &[Member],
        encoded: &[u8],
    ) -> Result<(), Error> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(encoded);
        let length = chunks.iter().map(|chunk| chunk.length as usize).sum();
        self.seal(start, kind, encoding, chunks, length)
    }

    fn seal(
        &mut self,
        start: usize,
        kind: ChunkKind,
        encoding: Encoding,
        chunks: &[Member],
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
        let block = Block {
            kind,
            encoding,
            offset: number(start)?,
            stored: number(self.bytes.len() - start + TAG)?,
            length: number(length)?,
            chunks: number(chunks.len())?,
        };
        let sole = match chunks {
            [chunk] => Some(&chunk.id),
            _ => None,
        };
        let context = Context::new(self.vault, kind, encoding, block.length, sole);
        let nonce = layout::nonce(number(self.contents.blocks())?);
        #[cfg(test)]
        crate::nonce_witness::seen(&self.bytes[32..HEADER], nonce);
        let tag = self
            .cipher
            .seal(nonce, context.as_bytes(), &mut self.bytes[start..])
            .map_err(|_| Error::Internal("could not seal a block".to_owned()))?;
        self.bytes.extend_from_slice(&tag);
        self.contents.push(block, chunks);
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
        self.bytes.reserve(self.contents.size() + TAG + FOOTER);
        self.contents.write(&mut self.bytes);
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
            contents: self.contents,
        };
        Ok(Finished {
            bytes: self.bytes,
            table,
            plain: self.plain,
        })
    }
}
