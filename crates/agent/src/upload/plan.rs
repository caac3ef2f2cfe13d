//! Decides for everything the walker finds whether it has to be read, and cuts the stream into work.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::Sender;
use ostler_vault::Upload;
use ostler_vault::list::{Entry, EntryKind};
use ostler_vocabulary::Progress;

use super::increments::{self, Added};
use super::parent::{Parent, are_there, is_unchanged};
use super::work::{Done, Item, Job, LargeFile, Outcome, Work};
use crate::Error;
use crate::metadata::xattr::{self, Place};
use crate::metadata::{self, names::Names};
use crate::problems::Problems;
use crate::stat::Kind;
use crate::stop::{Stop, hand};
use crate::walk::class::Classes;
use crate::walk::{Found, Visit, in_its_directory};

/// Entries of a batch, which is what a channel carries at once.
const BATCH_ENTRIES: usize = 256;
/// Bytes of a batch.
const BATCH_BYTES: u64 = 4 << 20;

/// Where work goes. `tickets` bounds how far the workers may be ahead of the list.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) jobs: Sender<Job>,
    pub(crate) done: Sender<(u64, Done)>,
    pub(crate) tickets: Sender<()>,
}

pub(crate) struct Planner<'a> {
    lines: Lines,
    sequence: u64,
    batch: Vec<Item>,
    batch_bytes: u64,
    /// Whether anything of the batch has to be read.
    batch_reads: bool,
    chunk: u64,
    piece: u64,
    /// Entries with flags that are not stored.
    pub(crate) flagged: u64,
    upload: &'a Upload,
    parent: Parent<'a>,
    /// Where what is found was added to the parent.
    added: Option<&'a mut Added>,
    names: &'a Names,
    classes: &'a Classes,
    problems: &'a Problems,
    progress: &'a Progress,
    stop: &'a Stop,
    /// Names still to come of files with several.
    links: HashMap<(u64, u64), u64>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(
        lines: Lines,
        (chunk, piece): (u64, u64),
        upload: &'a Upload,
        parent: Parent<'a>,
        (names, classes): (&'a Names, &'a Classes),
        problems: &'a Problems,
        (progress, stop): (&'a Progress, &'a Stop),
    ) -> Self {
        Self {
            lines,
            sequence: 0,
            batch: Vec::with_capacity(BATCH_ENTRIES),
            batch_bytes: 0,
            batch_reads: false,
            chunk,
            piece,
            flagged: 0,
            upload,
            parent,
            added: None,
            names,
            classes,
            problems,
            progress,
            stop,
            links: HashMap::new(),
        }
    }

    /// What is found was added to what the parent has.
    pub(crate) fn adding(self, added: Option<&'a mut Added>) -> Self {
        Self { added, ..self }
    }

    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.keep_up_to(None)?;
        self.flush()
    }

    /// What the parent has before this path, or to its end, stays in the list where things are only added to it.
    fn keep_up_to(&mut self, path: Option<&[u8]>) -> Result<(), Error> {
        if self.added.is_some() {
            while let Some(entry) = self.parent.earlier(path)? {
                self.keep(entry)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, entry: Entry) -> Result<(), Error> {
        let (entry, size) = increments::kept(entry, self.upload)?;
        self.progress.add_done(size);
        self.push(Item::Ready(entry), 0)
    }

    fn push(&mut self, item: Item, bytes: u64) -> Result<(), Error> {
        self.batch_reads |= !matches!(item, Item::Ready(_) | Item::Link(_));
        self.batch.push(item);
        self.batch_bytes += bytes;
        if self.batch.len() >= BATCH_ENTRIES || self.batch_bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_ENTRIES));
        self.batch_bytes = 0;
        if std::mem::take(&mut self.batch_reads) {
            return self.send(Work::Batch(batch));
        }
        // Nothing to read: past the workers, straight to the list.
        let outcomes = batch.into_iter().filter_map(|item| match item {
            Item::Ready(entry) => Some(Outcome::Entry {
                entry,
                changed: false,
            }),
            Item::Link(found) => Some(Outcome::Link(found)),
            Item::Read(..) => None,
        });
        let sequence = self.ticket()?;
        let done = Done::Batch(outcomes.collect());
        self.lines
            .done
            .send((sequence, done))
            .map_err(|_| Error::Cancelled)
    }

    fn ticket(&mut self) -> Result<u64, Error> {
        hand(&self.lines.tickets, (), self.stop)?;
        let sequence = self.sequence;
        self.sequence += 1;
        Ok(sequence)
    }

    fn send(&mut self, work: Work) -> Result<(), Error> {
        let sequence = self.ticket()?;
        hand(&self.lines.jobs, Job { sequence, work }, self.stop)
    }

    /// The entry of a file that is as it was, without opening it.
    fn unchanged(&self, found: &Found, before: &mut Entry) -> Result<bool, Error> {
        let EntryKind::File { content, .. } = &before.kind else {
            return Ok(false);
        };
        if !is_unchanged(found, before) {
            return Ok(false);
        }
        let all = are_there(content, self.upload)?;
        if all {
            let xattrs = match before.metadata.changed == found.stat.changed {
                true => std::mem::take(&mut before.metadata.xattrs),
                false => match in_its_directory(found, |directory, name| {
                    xattr::read(Place::Entry(directory, name))
                }) {
                    Ok(xattrs) => xattrs,
                    Err(_) => return Ok(false),
                },
            };
            before.metadata = metadata::of(&found.stat, xattrs, self.names);
        }
        Ok(all)
    }
}

impl Visit for Planner<'_> {
    fn found(&mut self, mut found: Found) -> Result<(), Error> {
        found.class = self.classes.class(&found);
        self.keep_up_to(Some(found.listed()))?;
        let before = self.parent.at(found.listed());
        let stat = found.stat;
        self.flagged += u64::from(stat.flagged);
        if stat.kind != Kind::File {
            return self.push(Item::Read(found, None), 0);
        }
        let mut content = None;
        let mut ready = None;
        if let Some(mut before) = before {
            if self.unchanged(&found, &mut before)? {
                if let Some(added) = &mut self.added {
                    added.is_stored(&found);
                }
                ready = Some(before);
            } else if let Some(added) = &mut self.added
                && !is_unchanged(&found, &before)
            {
                added.is_of_same_set(&found)?;
                return self.keep(before);
            } else if let EntryKind::File { content: extents, .. } = before.kind {
                content = Some(extents.into_boxed_slice());
            }
        }
        if stat.links > 1 {
            let key = (stat.device, stat.inode);
            if let Some(left) = self.links.get_mut(&key) {
                *left -= 1;
                if *left == 0 {
                    self.links.remove(&key);
                }
                self.progress.add_done(stat.size);
                return self.push(ready.map_or(Item::Link(found), Item::Ready), 0);
            }
            self.links.insert(key, stat.links - 1);
        }
        if let Some(entry) = ready {
            self.progress.add_done(stat.size);
            return self.push(Item::Ready(entry), 0);
        }
        if stat.size <= self.chunk {
            return self.push(Item::Read(found, content), stat.size);
        }
        self.flush()?;
        let file = Arc::new(LargeFile::new(found, content, self.piece));
        for index in 0..file.pieces {
            self.send(Work::Piece(Arc::clone(&file), index))?;
        }
        Ok(())
    }

    fn problem(&mut self, path: &[u8], reason: String) {
        self.problems.add(path, reason);
    }
}
