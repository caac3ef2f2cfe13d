//! Reads chunks.

mod near;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ostler_store::Object;
use ostler_vocabulary::{Classified, ErrorKind};
use zstd::bulk::Decompressor;

use crate::check::reading::Plain;
use crate::index::pack_key;
use crate::pack::{Encoding, PackKey, PackTable};
use crate::upload::chunk_id;
use crate::{ChunkId, Error, Index, Location, PackId, Vault};
pub(crate) use near::Near;

/// Keys of packs that are kept open; a key takes a few hundred bytes.
const OPEN_KEYS: usize = 4096;

/// Reads chunks; shared by worker threads. All its methods block and must run outside async tasks.
#[derive(Debug)]
pub struct Reader {
    vault: Arc<Vault>,
    index: Arc<Index>,
    keys: Mutex<HashMap<PackId, Arc<PackKey>>>,
}

thread_local! {
    /// For chunks that are asked for by themselves.
    static OPEN: RefCell<OpenBlock> = RefCell::default();
}

/// The block that was decoded last, and room for the next: the chunks of a block that are asked for one after another
/// are decoded together. It keeps what it has verified; for a fresh look at the store take a new one.
#[derive(Default)]
pub struct OpenBlock {
    /// Pack and number of the block in `plain`.
    of: Option<(PackId, u32)>,
    /// The chunk of it that was verified last, and where it starts.
    verified: Option<(ChunkId, u32)>,
    plain: Vec<u8>,
    encoded: Vec<u8>,
    decompressor: Option<Decompressor<'static>>,
}

impl OpenBlock {
    /// The chunk that was decoded from this block last, which is at `location`.
    pub(crate) fn plain(&self, location: &Location) -> Plain<'_> {
        let start = location.at as usize;
        let bytes = self.plain.get(start..start + location.length as usize);
        let encoded = match location.encoding {
            _ if location.shared => None,
            Encoding::Zstd => Some((Encoding::Zstd, self.encoded.as_slice())),
            Encoding::Stored => Some((Encoding::Stored, self.plain.as_slice())),
        };
        Plain {
            bytes: bytes.unwrap_or_default(),
            encoded,
        }
    }
}

impl std::fmt::Debug for OpenBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenBlock")
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(vault: Arc<Vault>, index: Arc<Index>) -> Self {
        Self {
            vault,
            index,
            keys: Mutex::default(),
        }
    }

    /// Reads, decrypts, decompresses and verifies one chunk. Where the vault has it twice, one good copy is enough.
    ///
    /// # Errors
    /// Names chunk, pack and what was wrong: [`ErrorKind::Corrupt`], or [`ErrorKind::NotFound`] for a pack that is
    /// gone, which is also damage; the error of the first copy when none is good.
    pub fn chunk(&self, id: &ChunkId) -> Result<Vec<u8>, Error> {
        let mut first = None;
        for location in self.index.copies(id)? {
            let read = self.chunk_at(id, &location).or_else(|error| match error {
                // What was damaged on its way is right the second time.
                Error::ChunkDamaged { .. } => self.chunk_at(id, &location),
                error => Err(error),
            });
            match read {
                Ok(plaintext) => return Ok(plaintext),
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.unwrap_or(Error::ChunkUnknown(*id)))
    }

    fn chunk_at(&self, id: &ChunkId, location: &Location) -> Result<Vec<u8>, Error> {
        let stored = self
            .span(&location.pack, bytes_of(location))
            .map_err(|error| blame(error, id, &location.pack))?;
        self.alone(id, location, &stored)
    }

    /// A chunk from the stored bytes of its block.
    fn alone(&self, id: &ChunkId, location: &Location, stored: &[u8]) -> Result<Vec<u8>, Error> {
        OPEN.with_borrow_mut(|block| {
            // Its memory is reused, not what it holds: this is a fresh look at the store.
            block.of = None;
            let plain = self.decode(id, location, stored, block)?;
            if location.shared {
                return Ok(plain.to_vec());
            }
            block.of = None;
            Ok(std::mem::take(&mut block.plain))
        })
    }

    /// Reads bytes of a pack, for callers that read many blocks of it in one go.
    ///
    /// # Errors
    /// The store's; [`ErrorKind::NotFound`] when the pack is gone.
    pub fn span(&self, pack: &PackId, range: Range<u64>) -> Result<Bytes, Error> {
        let key = pack_key(pack)?;
        let wanted = range.end.saturating_sub(range.start);
        let bytes = self
            .vault
            .host()
            .block_on(self.vault.store().get_range(&key, range))
            .map_err(|error| self.shortened(pack, error))?;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(Error::damaged(
                &key,
                format!("{} bytes were read instead of {wanted}", bytes.len()),
            ))
        }
    }

    /// A pack that is shorter than the index says is damage, whatever the store calls a range beyond its end.
    fn shortened(&self, pack: &PackId, error: ostler_store::Error) -> Error {
        let Ok(key) = pack_key(pack) else {
            return Error::store("read", pack)(error);
        };
        if error.kind() == ErrorKind::NotFound {
            return self.vault.host().block_on(self.vault.not_found(pack, error));
        }
        if error.kind().is_transient() {
            return Error::store("read", &key)(error);
        }
        let found = self.vault.host().block_on(self.vault.store().head(&key));
        match (found, self.index.pack_size(pack).ok().flatten()) {
            (Ok(object), Some(size)) if object.size != size => {
                Error::damaged(&key, format!("it has {} bytes instead of {size}", object.size))
            }
            _ => Error::store("read", &key)(error),
        }
    }

    /// Gives one chunk from the stored bytes of its block, verified: the block's tag, the lengths, the chunk's name. Where
    /// `block` holds its block already, nothing is decoded again.
    ///
    /// # Errors
    /// [`Error::ChunkDamaged`].
    pub fn decode<'a>(
        &self,
        id: &ChunkId,
        location: &Location,
        stored: &[u8],
        block: &'a mut OpenBlock,
    ) -> Result<&'a [u8], Error> {
        let this = Some((location.pack, location.number));
        if block.of != this {
            (block.of, block.verified) = (None, None);
            self.decode_block(id, location, stored, block)?;
            block.of = this;
        }
        let start = location.at as usize;
        let plain = start
            .checked_add(location.length as usize)
            .and_then(|end| block.plain.get(start..end));
        let Some(plain) = plain else {
            return Err(damaged(id, location, "it is not within its block"));
        };
        let chunk = Some((*id, location.at));
        if block.verified != chunk {
            if chunk_id(&self.vault, plain) != *id {
                return Err(damaged(id, location, "its contents do not have its name"));
            }
            block.verified = chunk;
        }
        Ok(plain)
    }

    fn decode_block(
        &self,
        id: &ChunkId,
        location: &Location,
        stored: &[u8],
        block: &mut OpenBlock,
    ) -> Result<(), Error> {
        let OpenBlock {
            plain,
            encoded,
            decompressor,
            ..
        } = block;
        let length = location.block as usize;
        match location.encoding {
            Encoding::Stored => self.open_block(id, location, stored, plain)?,
            Encoding::Zstd => {
                self.open_block(id, location, stored, encoded)?;
                let decompressor = match decompressor {
                    Some(decompressor) => decompressor,
                    None => decompressor.insert(
                        Decompressor::new()
                            .map_err(|error| Error::Internal(format!("could not set up zstd: {error}")))?,
                    ),
                };
                plain.clear();
                plain.reserve_exact(length);
                // Never more than the length that was authenticated, however much the frame claims.
                decompressor
                    .decompress_to_buffer(encoded, plain)
                    .map_err(|_| damaged(id, location, "it cannot be decompressed"))?;
            }
        }
        if plain.len() == length {
            Ok(())
        } else {
            Err(damaged(id, location, "its length is not what was stored"))
        }
    }

    /// Decrypts the block of a chunk into `into`, still in its encoding: for repacking.
    pub(crate) fn open_block(
        &self,
        id: &ChunkId,
        location: &Location,
        stored: &[u8],
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if stored.len() != location.stored as usize {
            return Err(damaged(id, location, "its bytes are not all there"));
        }
        let key = self
            .pack_key(&location.pack)
            .map_err(|error| blame(error, id, &location.pack))?;
        into.clear();
        into.extend_from_slice(stored);
        let context = location.context(self.vault.id(), id);
        let length = key
            .open_block(location.number, &context, into)
            .map_err(|_| damaged(id, location, "its bytes are not what was sealed"))?
            .len();
        into.truncate(length);
        Ok(())
    }

    /// Reads all of a pack and checks every byte of it: its name, its table, and that the index says the same.
    /// Chunks are then what was sealed; [`Reader::decode`] says whether they are what was meant.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] with the pack's name, or [`ErrorKind::NotFound`].
    pub fn check_pack(&self, pack: &PackId) -> Result<Bytes, Error> {
        let key = pack_key(pack)?;
        let known = self.index.pack(pack)?;
        let bytes = match &known {
            // As a range, whose length is known before: a limit on what is received then holds from the beginning on.
            Some(known) => self.span(pack, 0..known.size)?,
            None => {
                let got = self.vault.host().block_on(self.vault.store().get(&key));
                got.map_err(|error| self.shortened(pack, error))?
            }
        };
        let table = PackTable::read_whole(&self.vault, *pack, &bytes)?;
        if known.is_some_and(|known| known.size != table.size || known.header != table.header) {
            return Err(Error::damaged(&key, "the index says otherwise of it"));
        }
        Ok(bytes)
    }

    /// Reads all of a pack and checks every byte of it, as [`Reader::check_pack`], and that every chunk in it is what its
    /// name says and where the index says. Gives those that are not, with the reasons.
    ///
    /// # Errors
    /// As [`Reader::check_pack`]; what is wrong then is wrong with the whole pack.
    pub fn prove_pack(&self, pack: &PackId, block: &mut OpenBlock) -> Result<Vec<(ChunkId, String)>, Error> {
        let bytes = self.check_pack(pack)?;
        let table = PackTable::read_whole(&self.vault, *pack, &bytes)?;
        let known = self.index.pack(pack)?.map(|known| known.chunks as usize);
        if known.is_some_and(|chunks| chunks != table.contents.chunks()) {
            return Err(Error::damaged(
                pack_key(pack)?,
                "the index says otherwise of what is in it",
            ));
        }
        let mut bad = Vec::new();
        for (id, location) in table.places() {
            if known.is_some() && !self.index.copies(&id)?.contains(&location) {
                bad.push((id, "the index says otherwise of where it is".to_owned()));
                continue;
            }
            let stored = usize::try_from(location.offset)
                .ok()
                .and_then(|start| bytes.get(start..start.checked_add(location.stored as usize)?))
                .unwrap_or_default();
            if let Err(error) = self.decode(&id, &location, stored, block) {
                match error.kind() {
                    ErrorKind::Corrupt => bad.push((id, error.to_string())),
                    _ => return Err(error),
                }
            }
        }
        Ok(bad)
    }

    /// A pack's own table, by which whole blocks are copied.
    pub(crate) fn table(&self, pack: &PackId, size: u64) -> Result<PackTable, Error> {
        let object = Object {
            key: pack_key(pack)?,
            size,
            modified: None,
        };
        let read = self.vault.read_table(*pack, &object);
        self.vault.host().block_on(read)
    }

    /// The name that these bytes have in this vault: tells whether a file already holds a chunk.
    #[must_use]
    pub fn id_of(&self, plaintext: &[u8]) -> ChunkId {
        chunk_id(&self.vault, plaintext)
    }

    /// The index that it looks chunks up in.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    fn pack_key(&self, pack: &PackId) -> Result<Arc<PackKey>, Error> {
        let keys = || self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys().get(pack) {
            return Ok(Arc::clone(key));
        }
        let known = self
            .index
            .pack(pack)?
            .ok_or_else(|| Error::NotFound(format!("pack {pack} in the index")))?;
        let key = Arc::new(PackKey::open(&self.vault, *pack, &known.header)?);
        let mut keys = keys();
        if keys.len() >= OPEN_KEYS {
            keys.clear();
        }
        keys.insert(*pack, Arc::clone(&key));
        Ok(key)
    }
}

/// Where the block of a chunk is in its pack.
fn bytes_of(location: &Location) -> Range<u64> {
    location.offset..location.offset + u64::from(location.stored)
}

fn damaged(chunk: &ChunkId, location: &Location, reason: &str) -> Error {
    Error::ChunkDamaged {
        chunk: *chunk,
        pack: location.pack,
        reason: reason.to_owned(),
    }
}

/// Says which chunk is lost with a pack.
fn blame(error: Error, chunk: &ChunkId, pack: &PackId) -> Error {
    match error {
        Error::Damaged { reason, .. } => Error::ChunkDamaged {
            chunk: *chunk,
            pack: *pack,
            reason,
        },
        error if error.kind() == ErrorKind::NotFound => Error::PackMissing {
            chunk: *chunk,
            pack: *pack,
        },
        error => error,
    }
}
