//! Threads that write large files past the page cache. Each waits for the disk, so that there are more of them than the
//! disk needs to be busy, and the workers, of which there are as many as cores, wait for nothing.

use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender};

use super::direct::Aligned;
use super::file::{Bytes, Tools};
use super::task::{Piece, Window};
use super::write::Target;
use crate::Error;

/// Writes that the disk has before it at once.
const WRITERS: usize = 4;
/// Chunks that are on their way to the disk.
const BUFFERS: usize = 8;

/// A chunk on its way.
#[derive(Debug)]
struct Write {
    window: Arc<Window>,
    task: u32,
    at: u64,
    data: Aligned,
}

/// Where workers put what is to be written.
#[derive(Debug, Clone)]
pub(super) struct Line {
    todo: Sender<Write>,
    free: Receiver<Aligned>,
}

impl Line {
    /// Takes a copy of a verified chunk; waits when the disk is behind.
    pub(super) fn give(&self, window: &Arc<Window>, piece: &Piece, data: &[u8]) -> Result<(), Error> {
        // The writers are gone only when one of them broke down.
        let mut buffer = self.free.recv().map_err(|_| Error::Worker)?;
        buffer.fill(data);
        let write = Write {
            window: Arc::clone(window),
            task: piece.task,
            at: piece.at,
            data: buffer,
        };
        self.todo.send(write).map_err(|_| Error::Worker)
    }
}

/// Starts the writers. They end when the line and all its clones are gone.
pub(super) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    target: &'scope Target<'scope>,
) -> (Line, Vec<ScopedJoinHandle<'scope, ()>>) {
    let (todo, given) = crossbeam_channel::bounded::<Write>(BUFFERS);
    let (back, free) = crossbeam_channel::bounded(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _ = back.try_send(Aligned::default());
    }
    let threads = (0..WRITERS)
        .map(|_| {
            let (given, back) = (given.clone(), back.clone());
            scope.spawn(move || {
                let mut tools = Tools::default();
                for write in given {
                    if target.stop.check().is_ok() {
                        let task = &write.window.tasks[write.task as usize];
                        target.put(task, write.at, Bytes::Aligned(&write.data), &mut tools);
                    }
                    let _ = back.send(write.data);
                }
            })
        })
        .collect();
    (Line { todo, free }, threads)
}
