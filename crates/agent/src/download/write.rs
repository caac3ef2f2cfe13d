//! The workers of a restore: read a stretch of a pack, decode, and give each chunk to the files it belongs to (`file`).

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use ostler_api::request::Overwrite;
use ostler_vault::{OpenBlock, PackId, Reader};
use ostler_vocabulary::{Classified, ErrorKind, Progress};
use rustix::fd::AsFd;

use super::confine::Base;
use super::file::{Bytes, Tools};
use super::task::{Job, Piece, Task, Window};
use super::verify::same_content;
use super::write_back::WriteBack;
use super::writers::Line;
use crate::Error;
use crate::metadata::Omitted;
use crate::problems::Problems;
use crate::stop::Stop;

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) bases: &'a [Base],
    pub(crate) reader: &'a Reader,
    pub(crate) overwrite: Overwrite,
    pub(crate) prefix: &'a str,
    pub(crate) problems: &'a Problems,
    pub(crate) progress: &'a Progress,
    pub(crate) stop: &'a Stop,
    pub(crate) damaged: &'a AtomicBool,
    pub(crate) omitted: Omitted,
    pub(crate) files: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) open: AtomicUsize,
    pub(crate) next: AtomicU64,
    pub(crate) nameless: OnceLock<bool>,
    pub(crate) write_back: &'a WriteBack<'a>,
}

/// What one worker keeps from job to job.
#[derive(Debug)]
pub(crate) struct Hands {
    plain: Vec<u8>,
    block: OpenBlock,
    tools: Tools,
    line: Line,
}

impl Hands {
    pub(super) fn new(line: Line) -> Self {
        Self {
            plain: Vec::new(),
            block: OpenBlock::default(),
            tools: Tools::default(),
            line,
        }
    }
}

impl Target<'_> {
    pub(crate) fn work(&self, hands: &mut Hands, job: Job) -> Result<(), Error> {
        match job {
            Job::Check(window, index, file, answer) => {
                let task = &window.tasks[index as usize];
                let (size, content) = (task.size(), task.content());
                let same = same_content(
                    self.reader,
                    file.as_fd(),
                    size,
                    content,
                    &mut hands.plain,
                    self.stop,
                )?;
                // The planner waits for every answer, or has gone away because everybody stops.
                let _ = answer.send((index, same.unwrap_or(false)));
                Ok(())
            }
            Job::Plain(window, tasks) => {
                for index in tasks {
                    self.stop.check()?;
                    let task = &window.tasks[index as usize];
                    self.finish(task, &mut hands.tools);
                }
                Ok(())
            }
            Job::Span { window, pack, pieces } => self.span(hands, &window, &pack, &pieces),
        }
    }

    fn span(
        &self,
        hands: &mut Hands,
        window: &Arc<Window>,
        pack: &PackId,
        pieces: &[Piece],
    ) -> Result<(), Error> {
        let end = |piece: &Piece| {
            piece
                .location
                .offset
                .saturating_add(u64::from(piece.location.stored))
        };
        let (Some(first), Some(last)) = (pieces.first(), pieces.iter().map(end).max()) else {
            return Ok(());
        };
        let start = first.location.offset;
        let bytes = match self.reader.span(pack, start..last) {
            Ok(bytes) => Some(bytes),
            Err(error) if is_damage(&error) => None,
            Err(error) => return Err(Error::vault("read a pack")(error)),
        };
        let Hands {
            block, tools, line, ..
        } = hands;
        for piece in pieces {
            self.stop.check()?;
            let task = &window.tasks[piece.task as usize];
            let from = usize::try_from(piece.location.offset - start).unwrap_or(usize::MAX);
            let stored = bytes
                .as_ref()
                .and_then(|bytes| bytes.get(from..from.saturating_add(piece.location.stored as usize)));
            let read = match stored {
                Some(stored) => self.reader.decode(&piece.id, &piece.location, stored, block),
                None => Err(ostler_vault::Error::ChunkUnknown(piece.id)),
            };
            // Where this copy is bad or cannot be read in one go with its neighbours, maybe it can alone, or another
            // copy can.
            let alone;
            let read = match read {
                Err(error) if is_damage(&error) => match self.reader.chunk(&piece.id) {
                    Ok(plain) => {
                        alone = plain;
                        Ok(&alone[..])
                    }
                    Err(error) => Err(error),
                },
                read => read,
            };
            match read {
                Ok(plain) if task.direct && !task.failed.load(Ordering::Relaxed) => {
                    line.give(window, piece, plain)?
                }
                Ok(plain) => self.put(task, piece.at, Bytes::Plain(plain), tools),
                Err(error) if is_damage(&error) => {
                    self.broken(task, &error);
                    self.one_less(task, tools);
                }
                Err(error) => return Err(Error::vault("read a chunk")(error)),
            }
        }
        Ok(())
    }

    fn broken(&self, task: &Task, error: &ostler_vault::Error) {
        self.damaged.store(true, Ordering::Relaxed);
        self.fail(task, &format!("its content in the vault is damaged: {error}"));
    }

    /// Tells what is wrong with a file, once.
    pub(crate) fn fail(&self, task: &Task, reason: &str) {
        if !task.failed.swap(true, Ordering::Relaxed) {
            self.problems.add(&task.entry.path, reason);
        }
    }

    pub(super) fn try_on(&self, task: &Task, act: impl FnOnce() -> io::Result<()>) {
        if task.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = act() {
            self.fail(task, &format!("cannot write it: {error}"));
        }
    }
}

/// Whether the vault's data is wrong or gone, rather than out of reach.
fn is_damage(error: &ostler_vault::Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound)
}
