//! Loading the index of a vault.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, join, stream};
use ostler_store::{Key, Object};
use ostler_vocabulary::{BackupId, Classified, ErrorKind};

use super::memory::InMemory;
use super::{Index, Said};
use crate::pack::{HEADER, PackTable, epoch_of};
use crate::rounds::{ROUNDS, Rounds};
use crate::{Error, PackId, Vault};

/// Where segments are.
const INDEX: &str = "index/";
/// Requests in flight.
const PARALLEL: usize = 16;
/// How much of a pack's end is read at first: a table of about 1,200 large chunks.
const TAIL: u64 = 64 << 10;

/// Objects that cannot be read, and why.
type Ignored = Vec<(String, String)>;

/// Which packs an index is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packs {
    /// Those that segments name.
    Named,
    /// Of these, those in the store are relied on.
    Compared,
    /// And those in the store that no segment names.
    Adopted,
}

impl Packs {
    fn of(adopt_orphans: bool) -> Self {
        match adopt_orphans {
            true => Self::Adopted,
            false => Self::Named,
        }
    }
}

/// What an index is loaded for.
#[derive(Debug)]
enum Purpose {
    /// For storing what it does not know, by these rounds where they are known.
    Write(Option<Rounds>),
    /// For reading.
    Read,
}

impl Vault {
    /// Loads every index segment, into memory or, where they are large and the vault has a place for that, into sorted
    /// files that are kept: see [`Vault::with_cache`]. `adopt_orphans` also reads the tables of packs that no segment
    /// names, which an interrupted run left behind, so that their chunks are not stored again. A segment that is damaged
    /// is left out, listed in [`Index::ignored`], and made up for in the same way.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn index(&self, adopt_orphans: bool) -> Result<Arc<Index>, Error> {
        self.load_index(Packs::of(adopt_orphans), Purpose::Write(None))
            .await
    }

    /// As [`Vault::index`], for whoever makes this backup: the rounds that were listed when it was begun count, the first time
    /// that this is asked for. What is marked later stays until the backup is over, or its commit was ruled out.
    ///
    /// # Errors
    /// As [`Vault::index`].
    pub async fn index_of(&self, backup: BackupId, adopt_orphans: bool) -> Result<Arc<Index>, Error> {
        let rounds = self.begun().take(backup);
        self.load_index(Packs::of(adopt_orphans), Purpose::Write(rounds))
            .await
    }

    /// As [`Vault::index`], for whoever only reads: nothing that is stored relies on what it says.
    ///
    /// # Errors
    /// As [`Vault::index`].
    pub async fn index_to_read(&self, adopt_orphans: bool) -> Result<Arc<Index>, Error> {
        self.load_index(Packs::of(adopt_orphans), Purpose::Read).await
    }

    /// What segments say of packs that are in the store with their sizes, and, as far as it must be, of others: a chunk
    /// is where it can be read if there is such a place. What no segment names is not in it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn index_of_stored(&self) -> Result<Arc<Index>, Error> {
        self.load_index(Packs::Compared, Purpose::Write(None)).await
    }

    async fn load_index(&self, packs: Packs, purpose: Purpose) -> Result<Arc<Index>, Error> {
        let mut ignored = Vec::new();
        let mut round = None;
        let mut first_packs = None;
        let (rounds, segments) = match purpose {
            // Before the segments: what is freed and unmarked in between is in none of them any more.
            Purpose::Write(known) => {
                let rounds = match known {
                    Some(rounds) => Ok(rounds),
                    None => self.rounds().await,
                };
                match rounds {
                    Err(error) if error.kind() != ErrorKind::Corrupt => return Err(error),
                    rounds => (rounds, self.objects(INDEX).await?),
                }
            }
            Purpose::Read if packs == Packs::Named => {
                let (rounds, segments) = join!(self.rounds(), self.objects(INDEX));
                (rounds, segments?)
            }
            // Whoever reads finds a chunk wherever it can be: it does not matter what is listed first.
            Purpose::Read => {
                let (rounds, segments, listed) =
                    join!(self.rounds(), self.objects(INDEX), self.list_packs(None));
                first_packs = Some(listed?);
                (rounds, segments?)
            }
        };
        let marked = match rounds {
            Ok(rounds) => {
                round = Some(rounds.highest);
                Some(rounds.avoided())
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                ignored.push((ROUNDS.to_owned(), error.to_string()));
                None
            }
            Err(error) => return Err(error),
        };
        let made_of = names_of(&segments);
        let Said {
            mut parts, unread, ..
        } = self.segments_say(&segments, false).await?;
        let left_out = unread.into_iter();
        ignored.extend(left_out.map(|(key, error)| (key.to_string(), error.to_string())));
        let (mut missing, mut adopted) = (HashSet::new(), Vec::new());
        if packs != Packs::Named || !ignored.is_empty() {
            let compared = self.compare(&parts, first_packs).await?;
            missing = compared.missing;
            if packs == Packs::Adopted || !ignored.is_empty() {
                adopted = self.adopt(compared.orphans, &mut ignored).await?;
            }
            if !adopted.is_empty() {
                parts.push(Box::new(InMemory::build(adopted.clone())));
            }
        }
        for (object, reason) in &ignored {
            tracing::warn!(object, reason, "left out of the index");
        }
        let mut index = Index::of(parts);
        index.unnamed = adopted.iter().map(|table| table.id).collect();
        if let Some(epoch) = index.epoch() {
            self.learn(epoch).await?;
        }
        match marked {
            Some(mut avoid) => {
                avoid.extend(missing);
                index.avoid(&avoid)?;
                adopted.retain(|table: &PackTable| !avoid.contains(&table.id));
            }
            // Where the marks cannot be read, no old pack is relied on.
            None => {
                index.going.fill();
                adopted.clear();
            }
        }
        index.adopted = adopted;
        index.ignored = ignored;
        (index.round, index.made_of) = (round, made_of);
        Ok(Arc::new(index))
    }

    /// The tables of packs that no segment names.
    async fn adopt(
        &self,
        orphans: Vec<(PackId, Object)>,
        ignored: &mut Ignored,
    ) -> Result<Vec<PackTable>, Error> {
        let mut adopted = Vec::new();
        let mut reads = stream::iter(orphans)
            .map(|(id, object)| async move {
                let read = self.read_table(id, &object).await;
                (object.key, read)
            })
            .buffer_unordered(PARALLEL);
        while let Some((key, read)) = reads.next().await {
            match read {
                Ok(table) => adopted.push(table),
                Err(error @ Error::Store { .. }) if error.kind() != ErrorKind::NotFound => return Err(error),
                Err(error) => ignored.push((key.to_string(), error.to_string())),
            }
        }
        Ok(adopted)
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

/// The names of segments as one hash.
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
