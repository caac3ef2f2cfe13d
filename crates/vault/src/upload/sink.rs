//! Where one worker thread puts its chunks.

use std::sync::Arc;

use super::{Session, Stored, chunk_id};
use crate::pack::{Encoding, MAX_CHUNK, Member, PackBuilder, Press};
use crate::{ChunkId, ChunkKind, Error};

/// A pack of file contents is stored when it has become this long, in bytes.
const DATA_PACK: usize = 16 << 20;
/// A pack of file lists.
const LIST_PACK: usize = 8 << 20;
/// Chunks below this length share a block.
const SMALL: usize = 64 << 10;
/// Blocks of small chunks are at most this long, in bytes of plaintext: what is read to get one of them back, and what
/// zstd looks at as a whole. See `docs/adr/0006-blocks.md`.
const BLOCK: usize = 128 << 10;

/// Where one worker thread puts its chunks.
#[derive(Debug)]
pub struct ChunkSink {
    session: Arc<Session>,
    press: Option<Press>,
    data: Lane,
    list: Lane,
}

/// What a sink holds of one kind.
#[derive(Debug)]
struct Lane {
    kind: ChunkKind,
    /// Packs are stored from this length on.
    full: usize,
    /// Blocks of small chunks are at most so long.
    block: usize,
    pack: Option<PackBuilder>,
    /// Small chunks that wait for their block to be full, and their bytes.
    chunks: Vec<Member>,
    plain: Vec<u8>,
}

impl Lane {
    fn new(kind: ChunkKind, full: usize, block: usize) -> Self {
        Self {
            kind,
            full,
            block,
            pack: None,
            chunks: Vec::new(),
            plain: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.pack.as_ref().is_none_or(PackBuilder::is_empty)
    }

    fn put(
        &mut self,
        session: &Arc<Session>,
        press: &mut Press,
        id: ChunkId,
        plaintext: &[u8],
    ) -> Result<(), Error> {
        let chunk = Member {
            id,
            length: u32::try_from(plaintext.len()).unwrap_or(u32::MAX),
        };
        if plaintext.len() >= SMALL {
            let kind = self.kind;
            return self.append(session, |pack| pack.push(press, kind, &[chunk], plaintext));
        }
        if self.plain.len() + plaintext.len() > self.block {
            self.settle(session, press)?;
        }
        self.plain.extend_from_slice(plaintext);
        self.chunks.push(chunk);
        Ok(())
    }

    /// Makes a block of the chunks that wait.
    fn settle(&mut self, session: &Arc<Session>, press: &mut Press) -> Result<(), Error> {
        if self.chunks.is_empty() {
            return Ok(());
        }
        let (mut chunks, mut plain) = (std::mem::take(&mut self.chunks), std::mem::take(&mut self.plain));
        let kind = self.kind;
        self.append(session, |pack| pack.push(press, kind, &chunks, &plain))?;
        chunks.clear();
        plain.clear();
        (self.chunks, self.plain) = (chunks, plain);
        Ok(())
    }

    fn append(
        &mut self,
        session: &Arc<Session>,
        push: impl FnOnce(&mut PackBuilder) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let pack = match &mut self.pack {
            Some(pack) => pack,
            None => self
                .pack
                .insert(PackBuilder::new(&session.vault, session.buffers.take(self.full))?),
        };
        push(pack)?;
        if pack.len() >= self.full
            && let Some(pack) = self.pack.take()
        {
            session.store(pack)?;
        }
        Ok(())
    }
}

impl ChunkSink {
    pub(super) fn new(session: Arc<Session>) -> Self {
        let host = session.vault.host();
        Self {
            press: None,
            data: Lane::new(
                ChunkKind::Data,
                host.pack_length(DATA_PACK),
                host.block_length(BLOCK),
            ),
            list: Lane::new(
                ChunkKind::List,
                host.pack_length(LIST_PACK),
                host.block_length(BLOCK),
            ),
            session,
        }
    }

    /// The name that these bytes have in this vault.
    #[must_use]
    pub fn id_of(&self, plaintext: &[u8]) -> ChunkId {
        chunk_id(&self.session.vault, plaintext)
    }

    /// Hashes, and where the vault has no such chunk compresses and encrypts into the open pack; small chunks when
    /// there are enough of them for a block. Blocks while too many full packs wait for the store.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above 16 MiB; and the first failure of the session, after which all of it is lost.
    pub fn put(&mut self, kind: ChunkKind, plaintext: &[u8]) -> Result<Stored, Error> {
        if plaintext.len() > MAX_CHUNK {
            return Err(Error::TooLarge {
                what: "a chunk".to_owned(),
                size: plaintext.len() as u64,
                limit: MAX_CHUNK as u64,
            });
        }
        let id = self.id_of(plaintext);
        let taken = self.take_on(&id);
        let new = self.check(taken)?;
        if new {
            let put = self.with(kind, |session, lane, press| {
                lane.put(session, press, id, plaintext)
            });
            self.check(put)?;
        }
        Ok(Stored { id, new })
    }

    /// As [`ChunkSink::put`], for a chunk that another vault has in this encoding: it is not compressed again.
    pub(crate) fn put_encoded(
        &mut self,
        kind: ChunkKind,
        plaintext: &[u8],
        (encoding, encoded): (Encoding, &[u8]),
    ) -> Result<ChunkId, Error> {
        let id = self.id_of(plaintext);
        if plaintext.len() < SMALL {
            return Ok(self.put(kind, plaintext)?.id);
        }
        let length = u32::try_from(plaintext.len()).unwrap_or(u32::MAX);
        self.put_block(kind, encoding, &[Member { id, length }], encoded)?;
        Ok(id)
    }

    /// Takes on a whole block of another pack in its encoding, as [`Reader::open_block`](crate::Reader) gives it:
    /// repacking neither compresses again nor looks inside.
    pub(crate) fn put_block(
        &mut self,
        kind: ChunkKind,
        encoding: Encoding,
        chunks: &[Member],
        encoded: &[u8],
    ) -> Result<(), Error> {
        let mut new = false;
        for chunk in chunks {
            let taken = self.take_on(&chunk.id);
            new |= self.check(taken)?;
        }
        if !new {
            return Ok(());
        }
        let put = self.with(kind, |session, lane, _| {
            lane.append(session, |pack| pack.push_encoded(kind, encoding, chunks, encoded))
        });
        self.check(put)
    }

    /// Whether nobody has this chunk yet; from now on this session has it.
    fn take_on(&self, id: &ChunkId) -> Result<bool, Error> {
        let session = &self.session;
        Ok(!session.index.mark(id, &session.needed)? && session.seen.insert(id)?)
    }

    fn with(
        &mut self,
        kind: ChunkKind,
        act: impl FnOnce(&Arc<Session>, &mut Lane, &mut Press) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let press = match &mut self.press {
            Some(press) => press,
            None => self.press.insert(Press::new()?),
        };
        let lane = match kind {
            ChunkKind::Data => &mut self.data,
            ChunkKind::List => &mut self.list,
        };
        act(&self.session, lane, press)
    }

    /// After a failure others may have been told that a chunk is there: nothing of this session counts any more.
    fn check<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        let error = match outcome {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        let error = match error {
            Error::Upload(first) => first,
            error => Arc::new(error),
        };
        let mut progress = self.session.progress();
        progress.failed.get_or_insert_with(|| Arc::clone(&error));
        Err(Error::Upload(error))
    }

    /// Hands over what is open. A sink that is dropped without this makes [`Upload::finish`](super::Upload::finish)
    /// fail.
    ///
    /// # Errors
    /// The first failure of the session.
    pub fn finish(mut self) -> Result<(), Error> {
        for kind in [ChunkKind::Data, ChunkKind::List] {
            let handed = self.with(kind, |session, lane, press| {
                lane.settle(session, press)?;
                lane.pack.take().map_or(Ok(()), |pack| session.store(pack))
            });
            self.check(handed)?;
        }
        self.session.check()
    }
}

impl Drop for ChunkSink {
    fn drop(&mut self) {
        if !(self.data.is_empty() && self.list.is_empty()) {
            self.session.fail(Error::Internal(
                "a worker ended without handing over its chunks".to_owned(),
            ));
        }
    }
}
