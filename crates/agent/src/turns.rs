//! How many threads read and hash at a time, and how much they give way: changed at any moment, also for what is going on.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Error;
use crate::stop::Stop;

/// How often a thread that waits looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// The lowest priority there is.
const NICEST: u8 = 19;

thread_local! {
    /// What this thread began with, and what it has now. Threads of a request end with it.
    static NICE: Cell<Option<(i32, i32)>> = const { Cell::new(None) };
}

/// What all threads of this process that read and hash keep to. Cloning gives another handle to the same limits.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    most: Option<usize>,
    at_work: usize,
    nice: u8,
}

/// Leave to do one piece of work.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    /// At most so many threads from now on, at least one; `None` is as many as there are. What is in hand is finished.
    /// `nice` is how much they give way to others, 0 to 19, for the processor and, where the kernel's scheduler of a disk
    /// has priorities, for that.
    pub fn set(&self, most: Option<u32>, nice: u8) {
        let mut state = self.lock();
        state.most = most.map(|most| usize::try_from(most).unwrap_or(usize::MAX).max(1));
        state.nice = nice.min(NICEST);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits until there is leave to do one piece of work. Blocks.
    pub(crate) fn take(&self, stop: &Stop) -> Result<Turn<'_>, Error> {
        let mut state = self.lock();
        while state.most.is_some_and(|most| state.at_work >= most) {
            stop.check()?;
            let waited = self.0.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.at_work += 1;
        let nice = state.nice;
        drop(state);
        give_way(nice);
        Ok(Turn(self))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().at_work -= 1;
        self.0.0.changed.notify_one();
    }
}

/// Sets the priority of this thread: on Linux that of a process is that of each thread. Who may not go back to a higher
/// one stays where it is until its request ends.
fn give_way(nice: u8) {
    let (began, now) = NICE.get().unwrap_or_else(|| {
        let began = rustix::process::getpriority_process(None).unwrap_or(0);
        (began, began)
    });
    let wanted = began.max(i32::from(nice));
    if wanted != now
        && let Err(error) = rustix::process::setpriority_process(None, wanted)
    {
        tracing::debug!(nice, %error, "the priority stays as it is");
    }
    NICE.set(Some((began, wanted)));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::Turns;
    use crate::stop::Stop;

    /// The most that were at work at the same time, of four threads with twenty pieces each.
    fn most_at_work(turns: &Turns) -> usize {
        let (now, most, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), Stop::never());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _turn = turns.take(&stop).unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        most.into_inner()
    }

    #[test]
    fn no_more_than_were_allowed_are_at_work() {
        let turns = Turns::default();
        for most in [1, 2] {
            turns.set(Some(most), 0);
            assert!(most_at_work(&turns) <= most as usize);
        }
        // Nobody can be left without any.
        turns.set(Some(0), 0);
        assert_eq!(most_at_work(&turns), 1);
    }

    #[test]
    fn who_waits_goes_on_when_more_are_allowed_and_ends_when_nobody_wants_it() {
        let (turns, stop) = (Turns::default(), Stop::never());
        turns.set(Some(1), 0);
        let first = turns.take(&stop).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(&stop).is_ok());
            turns.set(None, 0);
            assert!(waiting.join().unwrap());
        });
        turns.set(Some(1), 0);
        stop.fail(crate::Error::Worker);
        assert!(turns.take(&stop).is_err());
        drop(first);
    }

    #[test]
    fn threads_give_way_as_much_as_they_are_told() {
        let (turns, stop) = (Turns::default(), Stop::never());
        turns.set(None, 7);
        // In a thread of its own: nobody may take that back.
        let nice = thread::spawn(move || {
            let _turn = turns.take(&stop).unwrap();
            rustix::process::getpriority_process(None).unwrap()
        });
        assert!(nice.join().unwrap() >= 7);
    }
}
