//! Upload: one thread walks, as many as there are cores read, hash and seal, one writes the list in path order.
//!
//! ```text
//! walker ── joins with the parent's list ──> jobs ──> workers (own chunk sink each) ──> results ──> list
//!    └────────────── unchanged files, never opened ─────────────────────────────────────┘
//! ```
//!
//! Results come back in any order and wait for their turn; tickets bound how many may wait. Large files are cut into
//! pieces, so that all cores work on one file. The rules for files that change while they are read are in `read`.

pub(crate) mod assemble;
pub(crate) mod content;
mod foresight;
pub(crate) mod increments;
pub(crate) mod parent;
pub(crate) mod plan;
pub(crate) mod racy;
pub(crate) mod read;
pub(crate) mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;

use crossbeam_channel::{Receiver, Sender};
use ostler_api::document::BackupCounts;
use ostler_api::node::{HeldFiles, Hold, Selection, Upload as Request};
use ostler_vault::list::{ListReader, ListWriter};
use ostler_vault::{ChunkId, Reader, Upload as Session};
use ostler_vocabulary::{Clock, Progress};

use crate::metadata::names::Names;
use crate::node::Options;
use crate::path::{absolute, listed};
use crate::problems::Problems;
use crate::snapshot;
use crate::stat::Kind;
use crate::stop::Stop;
use crate::walk::class::Classes;
use crate::walk::frozen::Frozen;
use crate::walk::globs::Globs;
use crate::walk::{Found, Visit, Walker};
use crate::{Error, Turns};
use assemble::Assembler;
use content::Chunker;
use increments::Added;
use parent::Parent;
use plan::{Lines, Planner};
use read::{Shared, Worker};
use work::{Done, Job, Work};

/// The smallest piece of a large file that one worker reads.
const PIECE: u64 = 16 << 20;
/// Results that may wait for their turn, beside those of the workers.
const WINDOW: usize = 128;

/// What the blocking part of an upload gives.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) list: ChunkId,
    pub(crate) counts: BackupCounts,
    /// How files were held still, where that was asked for.
    pub(crate) held: Option<HeldFiles>,
    /// Entries with flags of `chattr` that are not stored.
    pub(crate) flagged: u64,
    /// Files whose content was opened.
    pub(crate) opened: u64,
}

/// What the blocking part needs beside the request.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) session: &'a Session,
    pub(crate) parent: Option<(Arc<Reader>, ChunkId)>,
    pub(crate) options: &'a Options,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a Progress,
    pub(crate) problems: &'a Problems,
    pub(crate) stop: &'a Stop,
}

/// Reads the selection and stores it; returns when every chunk and the list were handed to the session.
pub(crate) fn run(request: &Request, work: &Context<'_>) -> Result<Read, Error> {
    let roots = roots(&request.selection)?;
    let exclude = Globs::new(&request.selection.exclude)?;
    let frozen = frozen(&request.selection)?;
    let classes = Classes::of(&request.selection)?;
    let walker = || walker(&exclude, &request.selection, work.stop).frozen(frozen.as_ref());
    let chunk = work.options.chunk_size;
    let piece = PIECE.div_ceil(chunk as u64).max(1) * chunk as u64;
    let workers = work.options.workers.max(1);
    let window = WINDOW + 4 * workers;
    let parent = work.parent.as_ref().filter(|_| !request.read_all);
    let opened = parent.map(|(reader, list)| ListReader::open(Arc::clone(reader), *list));
    let added = request.selection.frozen.as_ref();
    let mut added = added.and_then(|frozen| frozen.increments.as_ref().map(Added::new));
    let parent = match (opened, &added) {
        (Some(Ok(list)), _) => Some(list),
        (Some(Err(error)), Some(_)) => return Err(Error::vault(parent::READ)(error)),
        (None, Some(_)) => return Err(Error::NoBase),
        (Some(Err(error)), None) => {
            tracing::warn!(%error, "the parent's file list cannot be read; reading every file");
            None
        }
        (None, None) => None,
    };

    roots.iter().for_each(|root| snapshot::clear(&absolute(root)));
    let asked = |hold: &Hold| snapshot::Asked {
        reflink: hold.reflink,
        classes: &classes,
        parent: Parent::of(parent.as_ref()),
        clock: work.clock,
        problems: work.problems,
    };
    let hold = request.selection.hold.as_ref();
    let held = hold.map(|hold| snapshot::take(&roots, walker(), asked(hold)));
    let mut held = held.transpose()?.flatten();

    let (jobs, todo) = crossbeam_channel::bounded::<Job>(4 * workers);
    let (done, results) = crossbeam_channel::bounded(window);
    let (tickets, taken) = crossbeam_channel::bounded(window);
    let shared = Shared {
        names: Names::of_this_machine(),
        problems: work.problems,
        clock: work.clock,
        opened: AtomicU64::new(0),
    };
    // Made here: they belong to the runtime that this thread knows.
    let list = ListWriter::new(work.session.sink());
    let sinks: Vec<_> = (0..workers).map(|_| work.session.sink()).collect();

    let outcome = thread::scope(|scope| {
        let stop = work.stop;
        let mut threads = Vec::new();
        for sink in sinks {
            let (todo, done, shared) = (todo.clone(), done.clone(), &shared);
            threads.push(scope.spawn(move || {
                let chunker = Chunker::new(sink, chunk, stop, work.progress);
                let guard = stop.guard();
                let turns = &work.options.turns;
                let result = worker(Worker { shared, chunker }, (&todo, &done), turns, stop);
                guard.note(result);
            }));
        }
        drop(todo);
        match (&parent, &held) {
            (_, Some(held)) => work.progress.add_total(held.bytes),
            // A source is mostly as large as it was the last time; that need not be counted.
            (Some(parent), None) => work.progress.add_total(parent.bytes()),
            (None, None) => {
                let ahead = walker();
                let roots = &roots;
                threads.push(scope.spawn(move || foresight::count(roots, ahead, work.progress)));
            }
        }
        let assembler = Assembler::new(list, work.problems, work.progress);
        let assembling = scope.spawn(move || {
            let result = assembler.run(&results, &taken, stop);
            // Dropping the receivers makes whoever waits for room go away.
            result.map_err(|error| stop.fail(error)).ok()
        });
        let walked: Result<u64, Error> = (|| {
            let lines = Lines { jobs, done, tickets };
            let sizes = (chunk as u64, piece);
            let names = &shared.names;
            let mut planner = Planner::new(
                lines,
                sizes,
                work.session,
                Parent::of(parent.as_ref()),
                (names, &classes),
                work.problems,
                (work.progress, stop),
            )
            .adding(added.as_mut());
            match &mut held {
                Some(held) => held.tell(&mut planner)?,
                None => {
                    let mut walker = walker();
                    for root in &roots {
                        walker.walk(root, &mut planner)?;
                    }
                }
            }
            let flagged = planner.flagged;
            planner.finish()?;
            Ok(flagged)
        })();
        let flagged = walked.as_ref().map_or(0, |flagged| *flagged);
        stop.note(walked.map(drop));
        let mut sound = true;
        for thread in threads {
            sound &= thread.join().is_ok();
        }
        let assembled = assembling.join();
        if !sound || assembled.is_err() {
            stop.fail(Error::Worker);
        }
        assembled.ok().flatten().map(|made| (made, flagged))
    });
    work.stop.outcome()?;
    let ((list, mut counts), flagged) = outcome.ok_or(Error::Worker)?;
    if let Some(added) = added {
        added.remove_stored();
    }
    counts.problems = work.problems.count();
    Ok(Read {
        list,
        counts,
        held: held.map(|held| held.counts),
        flagged,
        opened: shared.opened.into_inner(),
    })
}

fn worker(
    mut worker: Worker<'_>,
    (todo, done): (&Receiver<Job>, &Sender<(u64, Done)>),
    turns: &Turns,
    stop: &Stop,
) -> Result<(), Error> {
    for Job { sequence, work } in todo {
        stop.check()?;
        // Given back before the result waits for its place in the list.
        let turn = turns.take(stop)?;
        let result = match work {
            Work::Batch(items) => Done::Batch(worker.batch(items)?),
            Work::Piece(file, index) => {
                worker.piece(&file, index)?;
                Done::Piece(file, index)
            }
        };
        drop(turn);
        done.send((sequence, result)).map_err(|_| Error::Cancelled)?;
    }
    worker.chunker.finish()
}

fn walker<'a>(exclude: &'a Globs, selection: &Selection, stop: &'a Stop) -> Walker<'a> {
    Walker::new(exclude, &selection.left_out, selection.one_file_system, stop)
}

fn frozen(selection: &Selection) -> Result<Option<Frozen>, Error> {
    selection.frozen.as_ref().map(Frozen::new).transpose()
}

/// The paths that were asked for, in list order. All must be there before anything is read.
pub(crate) fn roots(selection: &Selection) -> Result<Vec<Vec<u8>>, Error> {
    use std::os::unix::ffi::OsStrExt;
    let mut roots = Vec::new();
    for path in &selection.paths {
        let root = listed(path).ok_or_else(|| Error::Path {
            path: crate::path::shown(path.as_os_str().as_bytes()),
            reason: "it has to be absolute, without `..`",
        })?;
        Walker::root(&root)?;
        roots.push(root);
    }
    roots.sort_by(|a, b| ostler_vault::list::path_order(a, b));
    roots.dedup();
    // What is inside another is walked with it.
    let mut outer: Vec<Vec<u8>> = Vec::new();
    for root in roots {
        if outer
            .last()
            .is_none_or(|last| crate::path::below(&root, last).is_none())
        {
            outer.push(root);
        }
    }
    Ok(outer)
}

/// Counts what an upload would read.
pub(crate) fn survey(selection: &Selection, progress: &Progress, stop: &Stop) -> Result<BackupCounts, Error> {
    struct Count<'a> {
        counts: BackupCounts,
        links: std::collections::HashSet<(u64, u64)>,
        progress: &'a Progress,
    }
    impl Visit for Count<'_> {
        fn found(&mut self, found: Found) -> Result<(), Error> {
            self.counts.entries += 1;
            if found.stat.kind == Kind::File {
                self.counts.files += 1;
                self.counts.bytes += found.stat.size;
                self.progress.add_item();
                if found.stat.links < 2 || self.links.insert((found.stat.device, found.stat.inode)) {
                    self.progress.add_done(found.stat.size);
                }
            }
            Ok(())
        }
        fn problem(&mut self, _: &[u8], _: String) {
            self.counts.problems += 1;
        }
    }
    let roots = roots(selection)?;
    let exclude = Globs::new(&selection.exclude)?;
    let mut count = Count {
        counts: BackupCounts::default(),
        links: std::collections::HashSet::new(),
        progress,
    };
    let frozen = frozen(selection)?;
    let mut walker = walker(&exclude, selection, stop).frozen(frozen.as_ref());
    for root in &roots {
        walker.walk(root, &mut count)?;
    }
    Ok(count.counts)
}
