//! Which chunks a session has taken on: in memory while they are few, then also in sorted files, which nobody but this
//! process can see and which go with it. Blocks.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::batch::{due, in_order};
use super::cache::Cache;
use super::places::{Place, Places};
use super::run::{Run, RunWriter};
use crate::{ChunkId, Error};

const SHARDS: usize = 16;
/// So many ids of a shard are kept in memory: 24 MiB in all shards together.
const IN_MEMORY: usize = 28_000;

/// A set of chunks that many threads add to.
#[derive(Debug)]
pub(crate) struct Seen {
    shards: Vec<Mutex<Shard>>,
    /// Where files are made; without it all stays in memory.
    cache: Option<Cache>,
}

#[derive(Debug)]
struct Shard {
    recent: HashSet<ChunkId>,
    /// `recent` is written to a file when it has so many.
    limit: usize,
    runs: Vec<Run>,
}

impl Seen {
    pub(crate) fn new(cache: Option<Cache>) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect(),
            cache,
        }
    }

    fn shard(&self, id: &ChunkId) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[usize::from(id.0[31]) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn contains(&self, id: &ChunkId) -> Result<bool, Error> {
        self.shard(id).contains(id)
    }

    /// Adds a chunk; `false` when it was there.
    pub(crate) fn insert(&self, id: &ChunkId) -> Result<bool, Error> {
        let mut shard = self.shard(id);
        if shard.contains(id)? {
            return Ok(false);
        }
        shard.recent.insert(*id);
        if shard.recent.len() >= shard.limit
            && let Some(cache) = &self.cache
            && let Err(error) = shard.spill(cache)
        {
            tracing::warn!(%error, "keeping the names of new chunks in memory");
            shard.limit *= 2;
        }
        Ok(true)
    }
}

/// What a set had, in order.
pub(crate) struct Sorted {
    recent: Vec<ChunkId>,
    runs: Vec<Run>,
}

impl Seen {
    /// What was added, when nobody adds any more.
    pub(crate) fn into_sorted(self) -> Sorted {
        let mut sorted = Sorted {
            recent: Vec::new(),
            runs: Vec::new(),
        };
        for shard in self.shards {
            let shard = shard.into_inner().unwrap_or_else(PoisonError::into_inner);
            sorted.recent.extend(shard.recent);
            sorted.runs.extend(shard.runs);
        }
        sorted.recent.sort_unstable();
        sorted
    }
}

impl Sorted {
    /// All of it, each in one of these, which are in order.
    pub(super) fn streams(&self) -> Vec<Ids<'_>> {
        let recent: Ids<'_> = Box::new(self.recent.iter().map(|id| Ok(*id)));
        self.runs.iter().map(of).chain([recent]).collect()
    }
}

impl Shard {
    fn new() -> Self {
        Self {
            recent: HashSet::new(),
            limit: IN_MEMORY,
            runs: Vec::new(),
        }
    }

    fn contains(&self, id: &ChunkId) -> Result<bool, Error> {
        if self.recent.contains(id) {
            return Ok(true);
        }
        for run in &self.runs {
            if run.has(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn spill(&mut self, cache: &Cache) -> Result<(), Error> {
        let mut ids: Vec<ChunkId> = self.recent.iter().copied().collect();
        ids.sort_unstable();
        let count = ids.len() as u64;
        let ids = ids.into_iter().map(Ok);
        self.runs.push(write(cache, vec![Box::new(ids)], count)?);
        self.recent.clear();
        while let Some(which) = due(&self.runs.iter().map(Run::len).collect::<Vec<_>>()) {
            let together: Vec<&Run> = which.iter().filter_map(|at| self.runs.get(*at)).collect();
            let count = together.iter().map(|run| run.len()).sum();
            let merged = write(cache, together.into_iter().map(of).collect(), count)?;
            let mut at = 0;
            self.runs.retain(|_| {
                at += 1;
                !which.contains(&(at - 1))
            });
            self.runs.push(merged);
        }
        Ok(())
    }
}

/// Names of chunks in order.
pub(super) type Ids<'a> = Box<dyn Iterator<Item = Result<ChunkId, Error>> + 'a>;

fn of(run: &Run) -> Ids<'_> {
    Box::new(run.entries().map(|entry| entry.map(|(id, _)| id)))
}

/// Writes ids to a file that has no name any more.
fn write(cache: &Cache, from: Vec<Ids<'_>>, count: u64) -> Result<Run, Error> {
    cache.prepare()?;
    let mut writer = RunWriter::create(cache.folder(), cache.key(), count)?;
    let from = from.into_iter().map(|ids| ids.map(|id| id.map(|id| (id, ()))));
    in_order(from.collect(), |_, (id, ())| writer.push(&id, &Place::default()))?;
    let run = writer.finish(Vec::new())?;
    run.remove_if_new();
    Ok(run)
}
