//! What index segments say, from the store or from the cache on this machine's disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use ostler_store::{Key, Object};

use super::cache::{Adding, Cache};
use super::memory::InMemory;
use super::places::Places;
use super::run::SegmentName;
use super::{Index, parse_segment};
use crate::pack::PackTable;
use crate::{Error, PackId, Vault};

/// Requests in flight.
const PARALLEL: usize = 16;
/// Where segments are large, fewer are: together about so many bytes.
const IN_FLIGHT: u64 = 16 << 20;

/// What segments say.
pub(crate) struct Said {
    pub(super) parts: Vec<Box<dyn Places>>,
    /// The packs that each of them names, where that was asked for.
    pub(crate) named: HashMap<Key, Vec<PackId>>,
    /// Those that cannot be read, and why.
    pub(crate) unread: Vec<(Key, Error)>,
}

impl Said {
    /// The highest key epoch that a pack is sealed with.
    pub(crate) fn epoch(&self) -> Option<u32> {
        self.parts.iter().filter_map(|part| part.sums().epoch).max()
    }

    /// An index of what they say and of these packs. Blocks.
    pub(crate) fn into_index(mut self, others: Vec<PackTable>) -> Index {
        if !others.is_empty() {
            self.parts.push(Box::new(InMemory::build(others)));
        }
        Index::of(self.parts)
    }
}

impl Vault {
    /// What these segments say; with `named` also which of them says it. From the cache where they are large and the vault has
    /// one: then only those are read that are not in it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn segments_say(&self, segments: &[Object], named: bool) -> Result<Said, Error> {
        let bytes: u64 = segments.iter().map(|segment| segment.size).sum();
        let mut tries = 0;
        while let Some(cache) = self.index_cache(bytes) {
            tries += 1;
            match self.cached(cache.clone(), segments, named).await {
                Ok(said) => return Ok(said),
                Err(Error::CacheDamaged { path }) if tries < 3 => {
                    tracing::warn!(path = %path.display(), "making a damaged part of the index cache anew");
                }
                Err(error @ (Error::Cache { .. } | Error::CacheDamaged { .. })) => {
                    tracing::warn!(%error, "the index is kept in memory, because it cannot be kept on disk");
                    self.host().blocking(move || cache.sweep()).await?;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let (mut tables, mut unread) = (Vec::new(), Vec::new());
        let mut packs_of = HashMap::new();
        let keys = segments.iter().map(|object| object.key.clone()).collect();
        let mut reads = std::pin::pin!(self.read_segments(keys, bytes));
        while let Some((key, read)) = reads.next().await {
            match read? {
                Ok(packs) => {
                    if named {
                        packs_of.insert(key, packs.iter().map(|pack| pack.id).collect());
                    }
                    tables.extend(packs);
                }
                Err(error) => unread.push((key, error)),
            }
        }
        let build = self.host().blocking(move || InMemory::build(tables));
        Ok(Said {
            parts: vec![Box::new(build.await?)],
            named: packs_of,
            unread,
        })
    }

    /// Brings the cache up to date.
    async fn cached(&self, cache: Cache, segments: &[Object], named: bool) -> Result<Said, Error> {
        let mut unread = Vec::new();
        let mut listed = HashMap::new();
        for object in segments {
            match name_of(&object.key) {
                Some(name) => drop(listed.insert(name, object.key.clone())),
                None => {
                    let error = Error::damaged(&object.key, "its name is not that of a segment");
                    unread.push((object.key.clone(), error));
                }
            }
        }
        let names: Arc<HashSet<SegmentName>> = Arc::new(listed.keys().copied().collect());
        let covered = {
            let (cache, names) = (cache.clone(), Arc::clone(&names));
            self.host().blocking(move || cache.look(&names)).await??
        };
        let runs = if covered.is_due() {
            let begin = self.host().blocking(move || Adding::begin(cache, &names));
            let mut adding = begin.await??;
            let missing: HashSet<SegmentName> = adding.missing().iter().copied().collect();
            let is_missing =
                |object: &&Object| name_of(&object.key).is_some_and(|name| missing.contains(&name));
            let wanted: Vec<&Object> = segments.iter().filter(is_missing).collect();
            let bytes = wanted.iter().map(|object| object.size).sum();
            let keys = wanted.iter().map(|object| object.key.clone()).collect();
            let mut reads = std::pin::pin!(self.read_segments(keys, bytes));
            while let Some((key, read)) = reads.next().await {
                match (read?, name_of(&key)) {
                    (Ok(packs), Some(name)) => adding.add(name, packs),
                    (Ok(_), None) => {}
                    (Err(error), _) => unread.push((key, error)),
                }
                if adding.is_full() {
                    adding = self.host().blocking(|| adding.write()).await??;
                }
            }
            self.host().blocking(|| adding.finish()).await??
        } else {
            covered.runs
        };
        let gather = self.host().blocking(move || {
            let mut packs_of: HashMap<Key, Vec<PackId>> = HashMap::new();
            for run in runs.iter().filter(|_| named) {
                for pack in run.named() {
                    let (name, pack) = pack?;
                    if let Some(key) = listed.get(&name) {
                        packs_of.entry(key.clone()).or_default().push(pack);
                    }
                }
            }
            let parts = runs.into_iter().map(|run| Box::new(run) as Box<dyn Places>);
            Ok(Said {
                parts: parts.collect(),
                named: packs_of,
                unread,
            })
        });
        gather.await?
    }

    /// The bytes of a segment and what they say; `None` when it is gone. What was damaged on its way, whether just now or
    /// before a cache kept it, is right the second time.
    pub(crate) async fn segment(
        &self,
        key: &Key,
    ) -> Result<Option<(Bytes, Result<Vec<PackTable>, Error>)>, Error> {
        let mut again = false;
        loop {
            let Some(bytes) = self.read_if_there(key).await? else {
                return Ok(None);
            };
            match parse_segment(self, key, &bytes) {
                Err(_) if !again => again = true,
                said => return Ok(Some((bytes, said))),
            }
        }
    }

    /// Reads segments, several at a time; those that cannot be used with the reason.
    fn read_segments(
        &self,
        keys: Vec<Key>,
        bytes: u64,
    ) -> impl Stream<Item = (Key, Result<Result<Vec<PackTable>, Error>, Error>)> {
        let average = bytes / (keys.len() as u64).max(1);
        let parallel = usize::try_from(IN_FLIGHT / average.max(1))
            .unwrap_or(PARALLEL)
            .clamp(2, PARALLEL);
        stream::iter(keys)
            .map(async |key| {
                let read = self.segment(&key).await.map(|read| match read {
                    Some((_, packs)) => packs,
                    // A collector replaced it between the listing and now: what it named is in a newer one.
                    None => Err(Error::NotFound(format!("`{key}`"))),
                });
                (key, read)
            })
            .buffer_unordered(parallel)
    }
}

/// The digest that an index segment is named by.
fn name_of(key: &Key) -> Option<SegmentName> {
    let name = key.as_str().strip_prefix("index/")?;
    data_encoding::HEXLOWER
        .decode(name.as_bytes())
        .ok()?
        .try_into()
        .ok()
}
