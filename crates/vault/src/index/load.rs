//! Loading the index of a vault.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use ostler_store::{Key, Object};
use ostler_vocabulary::{Classified, ErrorKind};

use super::{Index, parse_segment};
use crate::pack::{HEADER, PackTable, epoch_of};
use crate::rounds::ROUNDS;
use crate::{Error, PackId, Vault};

/// Where segments are.
const INDEX: &str = "index/";
/// Requests in flight.
const PARALLEL: usize = 16;
/// How much of a pack's end is read at first: a table of about 1,200 large chunks.
const TAIL: u64 = 64 << 10;

impl Vault {
    /// Loads every index segment. `adopt_orphans` also reads the tables of packs that no segment names, which an
    /// interrupted run left behind, so that their chunks are not stored again. A segment that is damaged is left out,
    /// listed in [`Index::ignored`], and made up for in the same way.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn index(&self, adopt_orphans: bool) -> Result<Arc<Index>, Error> {
        let mut ignored = Vec::new();
        let mut tables = Vec::new();
        // Before the segments: what is freed and unmarked in between is in none of them any more.
        let mut round = None;
        let marked = match self.rounds().await {
            Ok(rounds) => {
                round = Some(rounds.highest);
                Some(rounds.open.map(|round| round.packs).unwrap_or_default())
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                ignored.push((ROUNDS.to_owned(), error.to_string()));
                None
            }
            Err(error) => return Err(error),
        };
        let segments = self.objects(INDEX).await?;
        let made_of = names_of(&segments);
        let mut reads = stream::iter(segments)
            .map(|object| async move {
                let read = self.store().get(&object.key).await;
                (object.key, read)
            })
            .buffer_unordered(PARALLEL);
        while let Some((key, read)) = reads.next().await {
            let parsed = match read {
                Ok(bytes) => {
                    self.learn_from(&bytes).await?;
                    parse_segment(self, &key, &bytes)
                }
                // A collector replaced it between the listing and now: what it named is in a newer one.
                Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NotFound(format!("`{key}`"))),
                Err(error) => return Err(Error::store("read", &key)(error)),
            };
            match parsed {
                Ok(packs) => tables.extend(packs),
                Err(error) => ignored.push((key.to_string(), error.to_string())),
            }
        }
        drop(reads);
        if let Some(epoch) = tables.iter().map(PackTable::epoch).max() {
            self.learn(epoch).await?;
        }
        let mut adopted = Vec::new();
        let mut missing = Vec::new();
        if adopt_orphans || !ignored.is_empty() {
            let known: HashSet<PackId> = tables.iter().map(|table| table.id).collect();
            let packs = self.objects("packs/").await?;
            let there: HashMap<PackId, u64> = packs
                .iter()
                .filter_map(|object| Some((pack_of(&object.key)?, object.size)))
                .collect();
            let is_missing = |table: &&PackTable| there.get(&table.id) != Some(&table.size);
            missing.extend(tables.iter().filter(is_missing).map(|table: &PackTable| table.id));
            let orphans = packs.into_iter().filter_map(|object| {
                let id = pack_of(&object.key)?;
                (!known.contains(&id)).then_some((id, object))
            });
            let mut reads = stream::iter(orphans)
                .map(|(id, object)| async move {
                    let read = self.read_table(id, &object).await;
                    (object.key, read)
                })
                .buffer_unordered(PARALLEL);
            while let Some((key, read)) = reads.next().await {
                match read {
                    Ok(table) => adopted.push(table),
                    Err(error @ Error::Store { .. }) if error.kind() != ErrorKind::NotFound => {
                        return Err(error);
                    }
                    Err(error) => ignored.push((key.to_string(), error.to_string())),
                }
            }
            drop(reads);
            tables.extend(adopted.iter().cloned());
        }
        for (object, reason) in &ignored {
            tracing::warn!(object, reason, "left out of the index");
        }
        // Where the marks cannot be read, no old pack is relied on.
        let mut avoid = marked.unwrap_or_else(|| tables.iter().map(|table| table.id).collect());
        avoid.extend(missing);
        adopted.retain(|table: &PackTable| !avoid.contains(&table.id));
        let build = self
            .host()
            .blocking(move || Index::build_avoiding(tables, &avoid));
        let mut index = build.await?;
        index.adopted = adopted;
        index.ignored = ignored;
        (index.round, index.made_of) = (round, made_of);
        Ok(Arc::new(index))
    }

    /// Whether the vault has the same segments as when this index was loaded.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn has_same_segments(&self, index: &Index) -> Result<bool, Error> {
        Ok(names_of(&self.objects(INDEX).await?) == index.made_of)
    }

    /// The table of a pack, from its own bytes.
    pub(crate) async fn read_table(&self, id: PackId, object: &Object) -> Result<PackTable, Error> {
        let size = object.size;
        let least = HEADER as u64;
        if size < least {
            return Err(Error::damaged(&object.key, "it is too short"));
        }
        let header = self.read_part(&object.key, 0, least).await?;
        let header = header
            .first_chunk::<HEADER>()
            .ok_or_else(|| Error::damaged(&object.key, "it is too short"))?;
        self.learn(epoch_of(header)).await?;
        let mut wanted = TAIL.min(size);
        loop {
            let tail = self.read_part(&object.key, size - wanted, size).await?;
            match PackTable::read(self, id, size, header, &tail)? {
                Ok(table) => return Ok(table),
                Err(needed) if needed > wanted => wanted = needed.min(size),
                Err(_) => return Err(Error::damaged(&object.key, "its table cannot be found")),
            }
        }
    }

    async fn read_part(&self, key: &Key, start: u64, end: u64) -> Result<Bytes, Error> {
        let read = self.store().get_range(key, start..end).await;
        read.map_err(Error::store("read", key))
    }
}

/// The names of segments, hashed.
fn names_of(segments: &[Object]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for object in segments {
        hasher.update(object.key.as_str().as_bytes()).update(b"\n");
    }
    *hasher.finalize().as_bytes()
}

/// The name of the object that is a pack.
pub(crate) fn pack_key(id: &PackId) -> Result<Key, Error> {
    let name = id.to_string();
    Key::new(format!("packs/{}/{name}", &name[..2])).map_err(Error::store("name", &name))
}

/// The pack that an object is; `None` when it is none.
pub(crate) fn pack_of(key: &Key) -> Option<PackId> {
    let (folder, name) = key.as_str().strip_prefix("packs/")?.split_once('/')?;
    (name.get(..2) == Some(folder))
        .then(|| name.parse().ok())
        .flatten()
}
