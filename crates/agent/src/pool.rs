//! Many alike pieces of blocking work by a bounded number of threads.

use std::thread;

use crossbeam_channel::Sender;

use crate::stop::{Stop, hand};
use crate::{Error, Options};

/// Gives work to the pool.
#[derive(Debug)]
pub(crate) struct Feed<'a, T> {
    line: Sender<T>,
    stop: &'a Stop,
}

impl<T> Feed<'_, T> {
    pub(crate) fn give(&self, work: T) -> Result<(), Error> {
        hand(&self.line, work, self.stop)
    }
}

/// Runs `produce` here and `work` on as many threads as there are workers, each with its own state, until everything that was given is
/// done. The first error stops all.
pub(crate) fn run<T: Send, S: Send, R>(
    options: &Options,
    stop: &Stop,
    state: impl Fn() -> S,
    work: impl Fn(&mut S, T) -> Result<(), Error> + Sync,
    produce: impl FnOnce(&Feed<'_, T>) -> Result<R, Error>,
) -> Result<R, Error> {
    let (workers, turns) = (options.workers.max(1), &options.turns);
    let (line, todo) = crossbeam_channel::bounded::<T>(4 * workers);
    let produced = thread::scope(|scope| {
        for _ in 0..workers {
            let (todo, work, mut state) = (todo.clone(), &work, state());
            scope.spawn(move || {
                let guard = stop.guard();
                let mut result = Ok(());
                for item in todo {
                    result = stop.check().and_then(|()| {
                        let _turn = turns.take(stop)?;
                        work(&mut state, item)
                    });
                    if result.is_err() {
                        break;
                    }
                }
                guard.note(result);
            });
        }
        drop(todo);
        let feed = Feed { line, stop };
        produce(&feed).map_err(|error| stop.fail(error)).ok()
    });
    stop.outcome()?;
    produced.ok_or(Error::Worker)
}
