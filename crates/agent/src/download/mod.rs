//! Restore: confined to its target, by pack order, and never with a half-written file under its final name.
//!
//! - Nothing is opened but step by step below the target, and no link on the way is followed (`confine`).
//! - Under `never`, everything is compared before anything is written.
//! - A file is written without a name, or under a name of ours in its own directory, verified chunk by chunk, given its
//!   metadata, and then gets its name (`file`). What an interrupted restore left under names of ours is removed by the
//!   next one.
//! - Directories get their metadata last, the deepest first; further names of hard-linked files come after all data.
//! - The file systems are synced at the end, and now and then before, so that little is left for the end: until then a
//!   power failure may lose files, which the next run finds, because it believes content only.

pub(crate) mod confine;
mod direct;
pub(crate) mod extras;
pub(crate) mod file;
pub(crate) mod finish;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod source;
pub(crate) mod task;
pub(crate) mod verify;
pub(crate) mod write;
pub(crate) mod write_back;
mod writers;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use ostler_api::node::{Download as Request, Downloaded};
use ostler_api::request::Overwrite;
use ostler_vault::Reader;
use ostler_vocabulary::{BackupId, Progress};

use crate::Error;
use crate::metadata::Omitted;
use crate::node::Options;
use crate::path::shown;
use crate::pool;
use crate::problems::Problems;
use crate::stop::Stop;
use confine::Base;
use plan::{Planned, Planner};
use source::Source;
use write::{Hands, Target};
use writers::Line;

/// What reading requests need.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) reader: &'a Arc<Reader>,
    pub(crate) options: &'a Options,
    pub(crate) progress: &'a Progress,
    pub(crate) problems: &'a Problems,
    pub(crate) stop: &'a Stop,
}

impl Context<'_> {
    fn source(&self, request: &Request) -> Result<Source, Error> {
        Source::open(
            self.reader,
            &request.list,
            &request.roots,
            request.to.as_ref(),
            &request.include,
        )
    }
}

/// How names of unfinished files start.
pub(crate) fn temporary_prefix(backup: &BackupId) -> String {
    format!(".ostler-{}-", backup.short())
}

/// Restores.
pub(crate) fn run(request: &Request, context: &Context<'_>) -> Result<Downloaded, Error> {
    let source = context.source(request)?;
    if request.overwrite == Overwrite::Never {
        refuse_conflicts(&source, context)?;
    }
    let mut bases = Vec::new();
    for path in source.layout.bases() {
        bases.push(Base::make(&path).map_err(|error| Error::io("make", &path, error))?);
    }
    let damaged = AtomicBool::new(false);
    let prefix = temporary_prefix(&request.backup);
    let mut report = write_back::beside(&bases, |write_back| {
        let target = Target {
            bases: &bases,
            reader: context.reader,
            overwrite: request.overwrite,
            prefix: &prefix,
            problems: context.problems,
            progress: context.progress,
            stop: context.stop,
            damaged: &damaged,
            omitted: Omitted::default(),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            nameless: OnceLock::new(),
            write_back,
        };
        write(&source, request, context, &target)
    })?;
    report.damaged = damaged.into_inner();
    report.problems = context.problems.list();
    Ok(report)
}

fn write(
    source: &Source,
    request: &Request,
    context: &Context<'_>,
    target: &Target<'_>,
) -> Result<Downloaded, Error> {
    let planner = thread::scope(|scope| {
        let (line, writers) = writers::start(scope, target);
        let planned = plan_and_work(source, context, target, line);
        let sound = writers.into_iter().all(|writer| writer.join().is_ok());
        if sound { planned } else { Err(Error::Worker) }
    })?;
    let (links, directories) = (&planner.links, &planner.directories);
    let (made, same) = finish::link_all(target, links)?;
    let bytes = target.bytes.load(Ordering::Relaxed);
    let mut report = Downloaded {
        files_written: target.files.load(Ordering::Relaxed) + made,
        files_kept: planner.kept + same,
        bytes_written: bytes,
        bytes_verified: bytes + planner.kept_bytes,
        ..Downloaded::default()
    };
    if request.delete_extra {
        report.deleted = extras::remove(source, target.bases, request, context)?;
    }
    finish::settle(target, directories)?;
    report.owners = target.omitted.counted();
    Ok(report)
}

fn plan_and_work(
    source: &Source,
    context: &Context<'_>,
    target: &Target<'_>,
    line: Line,
) -> Result<Planned, Error> {
    pool::run(
        context.options,
        context.stop,
        move || Hands::new(line.clone()),
        |hands, job| target.work(hands, job),
        |feed| {
            let mut planner = Planner::new(target, feed);
            source.each(|wanted| match wanted {
                Ok(wanted) => planner.take(wanted),
                Err((path, error)) => {
                    target.damaged.store(true, Ordering::Relaxed);
                    context.problems.add(&path, error.to_string());
                    Ok(())
                }
            })?;
            planner.flush()?;
            Ok(planner.planned)
        },
    )
}

/// Compares everything before anything is written. Costs nothing where the target is new.
fn refuse_conflicts(source: &Source, context: &Context<'_>) -> Result<(), Error> {
    use std::os::unix::ffi::OsStrExt;
    let bases = preview::existing_bases(source)?;
    if bases.iter().flatten().all(is_empty) {
        return Ok(());
    }
    // Its bytes are no progress of the restore.
    let unseen = Progress::new(ostler_vocabulary::Unit::Bytes);
    let context = Context {
        progress: &unseen,
        ..*context
    };
    let changes = preview::changes(source, &bases, Overwrite::Never, &context)?;
    let count = changes.differ.load(Ordering::Relaxed);
    if count == 0 {
        return Ok(());
    }
    let named = changes.conflicts();
    let mut first: Vec<String> = named
        .iter()
        .map(|path| shown(path.as_os_str().as_bytes()))
        .collect();
    if count > first.len() as u64 {
        first.push("\u{2026}".to_owned());
    }
    Err(Error::Conflicts {
        count,
        first: first.join(", "),
    })
}

fn is_empty(base: &Base) -> bool {
    let names = base
        .readable(b"")
        .and_then(|fd| crate::walk::listing::Lister::new().names(&fd));
    names.is_ok_and(|names| names.len() == 0)
}
