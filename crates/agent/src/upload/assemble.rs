//! Puts results back in path order and writes them to the list.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use crossbeam_channel::Receiver;
use ostler_api::document::BackupCounts;
use ostler_vault::ChunkId;
use ostler_vault::list::{Entry, EntryKind, ListWriter};
use ostler_vocabulary::Progress;

use super::work::{Done, Outcome};
use crate::Error;
use crate::problems::Problems;
use crate::stop::Stop;
use crate::walk::Found;

pub(crate) struct Assembler<'a> {
    list: ListWriter,
    problems: &'a Problems,
    progress: &'a Progress,
    counts: BackupCounts,
    /// Files with several names, until the last has come.
    linked: HashMap<(u64, u64), (Entry, u64)>,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(list: ListWriter, problems: &'a Problems, progress: &'a Progress) -> Self {
        Self {
            list,
            problems,
            progress,
            counts: BackupCounts::default(),
            linked: HashMap::new(),
        }
    }

    /// Takes everything until all senders are gone.
    pub(crate) fn run(
        mut self,
        done: &Receiver<(u64, Done)>,
        tickets: &Receiver<()>,
        stop: &Stop,
    ) -> Result<(ChunkId, BackupCounts), Error> {
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (sequence, result) in done {
            stop.check()?;
            waiting.insert(sequence, result);
            while let Some(result) = waiting.remove(&next) {
                next += 1;
                self.take(result)?;
                // Taken after the list has it, so that no more than the window is ever in memory.
                let _ = tickets.try_recv();
            }
        }
        stop.check()?;
        if !waiting.is_empty() {
            return Err(Error::Worker);
        }
        let list = self.list.finish().map_err(Error::vault("store the file list"))?;
        Ok((list, self.counts))
    }

    fn take(&mut self, result: Done) -> Result<(), Error> {
        match result {
            Done::Batch(outcomes) => {
                for outcome in outcomes {
                    self.outcome(outcome)?;
                }
            }
            Done::Piece(file, index) if index + 1 == file.pieces => {
                let outcome = file.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(outcome) = outcome {
                    self.outcome(outcome)?;
                }
            }
            Done::Piece(..) => {}
        }
        Ok(())
    }

    fn outcome(&mut self, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Entry { entry, changed } => {
                if changed {
                    self.counts.changed_files += 1;
                }
                self.remember(&entry);
                self.push(&entry)
            }
            Outcome::Link(found) => self.link(&found),
        }
    }

    fn remember(&mut self, entry: &Entry) {
        let metadata = &entry.metadata;
        if metadata.links > 1 && matches!(entry.kind, EntryKind::File { .. }) {
            let key = (metadata.device, metadata.inode);
            if let Some((_, left)) = self.linked.get_mut(&key) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.linked.remove(&key);
                }
            } else {
                self.linked.insert(key, (entry.clone(), metadata.links - 1));
            }
        }
    }

    fn link(&mut self, found: &Found) -> Result<(), Error> {
        let key = (found.stat.device, found.stat.inode);
        let Some((first, left)) = self.linked.get_mut(&key) else {
            self.problems
                .add(&found.path, "cannot be read under the other name it is linked to");
            return Ok(());
        };
        let entry = Entry {
            path: found.listed().to_vec(),
            ..first.clone()
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.linked.remove(&key);
        }
        self.push(&entry)
    }

    fn push(&mut self, entry: &Entry) -> Result<(), Error> {
        self.counts.entries += 1;
        if let EntryKind::File { size, .. } = &entry.kind {
            self.counts.files += 1;
            self.counts.bytes += size;
            self.progress.add_item();
        }
        self.list.push(entry).map_err(Error::vault("store the file list"))
    }
}
