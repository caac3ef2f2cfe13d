//! One run of an operation in this process: from its first step to its recorded end.

mod drive;
mod execute;
mod heartbeat;
mod undo;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_vocabulary::{ErrorKind, Failure, OperationId, Progress, ProgressValue, Timestamp};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

pub(crate) use drive::drive;
pub(crate) use execute::{Call, execute};
pub use undo::UndoEnd;
pub(crate) use undo::{Undo, Undoable, WithResult};

use crate::engine::Inner;
use crate::error::Error;
use crate::journal::{ITEM_PLACES, Journal, Ownership, StepAt, StepEnd};
use crate::record::{Event, MessageRecord, OperationRecord, StepRecord, label};

/// What the steps of one run share.
pub(crate) struct Run {
    pub(crate) engine: Arc<Inner>,
    pub(crate) by: Ownership,
    pub(crate) started: Timestamp,
    pub(crate) version: u32,
    /// Resumed only to be undone: recorded steps give their results, and the first other one ends the run.
    undo_only: bool,
    /// The steps as they were recorded when this run began.
    recorded: Vec<StepRecord>,
    progress: Mutex<Position>,
    /// Seen by the steps.
    pub(crate) cancel: CancellationToken,
    /// Stop as it is.
    pub(crate) left: CancellationToken,
    /// Another owner took it over.
    lost: CancellationToken,
    /// This run is over, whatever came of it.
    pub(crate) done: CancellationToken,
    events: broadcast::Sender<Event>,
    /// The first messages, for those who begin to watch after they were told; those of earlier owners are in it.
    messages: Mutex<Messages>,
    committed: AtomicBool,
    /// The program and the journal do not fit: nothing may be undone on a guess.
    confused: AtomicBool,
    /// Monotonic time up to which work was counted.
    counted: Mutex<Duration>,
}

/// Messages that the journal and late watchers get; more than these only they get who watch at the time.
const KEPT_MESSAGES: usize = 32;

#[derive(Default)]
struct Messages {
    said: Vec<MessageRecord>,
    /// So many of them are in the journal.
    journaled: usize,
}

/// Where the run is.
#[derive(Default)]
struct Position {
    /// The next place of each item; of 0 outside items.
    next: HashMap<u64, u64>,
    seen: HashSet<(String, String)>,
    undo: Vec<Undo>,
    /// Of an item, the place whose step was undone when this run came to it: what was recorded behind it is void.
    rewound: HashMap<u64, u64>,
    /// Steps that are not undone any more, and what they did.
    settled: HashSet<StepAt>,
    done: Vec<String>,
    active: Vec<Active>,
}

impl Position {
    /// Whether what was recorded at a place is void. Outside items, an undone step voids all items too.
    fn is_void(&self, position: u64) -> bool {
        let after = |item: u64| self.rewound.get(&item).is_some_and(|first| position >= *first);
        after(0) || after(position / ITEM_PLACES)
    }
}

struct Active {
    at: StepAt,
    progress: Progress,
    told: Option<ProgressValue>,
    journaled: Option<ProgressValue>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

impl Run {
    pub(crate) fn new(engine: Arc<Inner>, by: Ownership, record: OperationRecord) -> Self {
        let now = engine.clock.monotonic();
        Self {
            engine,
            started: record.started,
            version: record.version,
            undo_only: record.cancel_requested,
            recorded: record.steps,
            progress: Mutex::default(),
            cancel: CancellationToken::new(),
            left: CancellationToken::new(),
            lost: CancellationToken::new(),
            done: CancellationToken::new(),
            events: broadcast::Sender::new(256),
            messages: Mutex::new(Messages {
                journaled: record.messages.len(),
                said: record.messages,
            }),
            committed: AtomicBool::new(record.committed),
            confused: AtomicBool::new(false),
            counted: Mutex::new(now),
            by,
        }
    }

    pub(crate) fn id(&self) -> OperationId {
        self.by.id
    }

    fn lock(&self) -> MutexGuard<'_, Position> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, event: Event) {
        let mut messages = self.messages();
        if let Event::Message { text } = &event
            && messages.said.len() < KEPT_MESSAGES
            && !messages.said.iter().any(|known| known.text == *text)
        {
            messages.said.push(MessageRecord {
                at: self.engine.clock.now(),
                text: text.clone(),
            });
        }
        // Nobody watching is no error.
        let _ = self.events.send(event);
    }

    /// The first messages told so far, and everything told from now on.
    pub(crate) fn listen(&self) -> (Vec<MessageRecord>, broadcast::Receiver<Event>) {
        let messages = self.messages();
        (messages.said.clone(), self.events.subscribe())
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings into the journal what was said since it was last done.
    async fn journal_messages(&self) -> Result<(), Failure> {
        let (all, new) = {
            let messages = self.messages();
            (messages.said.len(), messages.said[messages.journaled..].to_vec())
        };
        if !new.is_empty() {
            self.journal(move |journal, by| journal.say(by, &new)).await?;
            self.messages().journaled = all;
        }
        Ok(())
    }

    /// Calls the journal on a blocking thread, with this run's right to write.
    pub(crate) async fn journal<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Journal, &Ownership) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let by = self.by.clone();
        let answer = self.engine.blocking(move |journal| call(journal, &by)).await;
        if let Err(Error::Superseded { .. }) = answer {
            self.lost.cancel();
        }
        answer.map_err(Failure::from)
    }

    /// Milliseconds worked since the last call.
    fn worked_ms(&self) -> u64 {
        let now = self.engine.clock.monotonic();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let worked = now.saturating_sub(*counted);
        *counted = now;
        u64::try_from(worked.as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes the next place in an item's sequence for steps of one name, one for each key.
    pub(crate) fn place(&self, item: u64, name: &str, keys: &[&str]) -> Result<u64, Error> {
        let mut here = self.lock();
        let next = here.next.entry(item).or_default();
        let position = item.saturating_mul(ITEM_PLACES).saturating_add(*next);
        *next += 1;
        for key in keys {
            if !here.seen.insert((name.to_owned(), (*key).to_owned())) {
                return Err(self.unexpected(position, &label(name, key), "it has already run".to_owned()));
            }
        }
        let stranger = self.recorded.iter().find(|step| {
            step.position == position
                && !here.is_void(position)
                && !matches!(step.state.as_str(), "undone" | "undo_failed")
                && (step.name != name || !keys.contains(&step.key.as_deref().unwrap_or_default()))
        });
        match stranger {
            Some(step) => {
                let found = label(name, keys.first().copied().unwrap_or_default());
                Err(self.unexpected(
                    position,
                    &found,
                    format!("the journal has step `{}`", step.label()),
                ))
            }
            None => Ok(position),
        }
    }

    fn unexpected(&self, position: u64, found: &str, recorded: String) -> Error {
        self.confused.store(true, Ordering::Relaxed);
        Error::UnexpectedStep {
            id: self.id(),
            position,
            found: found.to_owned(),
            recorded,
        }
    }

    /// Runs a step again that was undone by now, and what is behind it.
    async fn rewind(&self, at: &StepAt) -> Result<(), Failure> {
        let (step, now) = (at.clone(), self.engine.clock.now());
        self.journal(move |journal, by| journal.end_step(by, &step, &StepEnd::Rewound, None, now))
            .await?;
        self.lock().rewound.insert(at.position / ITEM_PLACES, at.position);
        Ok(())
    }

    /// What was recorded of a step when this run began.
    fn recorded(&self, at: &StepAt) -> Option<&StepRecord> {
        let is_void = self.lock().is_void(at.position);
        self.recorded.iter().find(|step| {
            step.position == at.position
                && (!is_void || step.state == "undo_failed")
                && step.name == at.name
                && step.key.as_deref().unwrap_or_default() == at.key
        })
    }

    fn is_settled(&self, step: &StepRecord) -> bool {
        self.lock().settled.contains(&StepAt {
            position: step.position,
            name: step.name.clone(),
            key: step.key.clone().unwrap_or_default(),
        })
    }

    /// A recorded step that the run has not come to.
    fn unreached(&self) -> Option<&StepRecord> {
        let here = self.lock();
        let known = self.recorded.iter().filter(|step| !here.is_void(step.position));
        known.into_iter().find(|step| {
            let next = here.next.get(&(step.position / ITEM_PLACES)).copied();
            step.position % ITEM_PLACES >= next.unwrap_or(0) && step.state == "done"
        })
    }

    /// Forgets how to undo the steps of a key; what they did is named when the operation does not succeed.
    pub(crate) fn settle(&self, key: &str, what: String) {
        let here = &mut *self.lock();
        let settled = here.undo.extract_if(.., |undo| undo.at.key == key);
        here.settled.extend(settled.map(|undo| undo.at));
        here.done.push(what);
    }

    /// Forgets how to undo one step; what it leaves is named.
    pub(crate) fn settle_step(&self, name: &str, key: &str, leaves: &str) {
        let here = &mut *self.lock();
        for undo in &mut here.undo {
            if undo.at.name == name && undo.at.key == key {
                undo.action = None;
                undo.leaves = Some(leaves.to_owned());
                here.settled.insert(undo.at.clone());
            }
        }
    }

    /// Asks this run to stop.
    pub(crate) fn stop(&self, leave: bool) {
        if leave {
            self.left.cancel();
        }
        if leave || !self.undo_only {
            self.cancel.cancel();
        }
    }

    /// As if this process were gone.
    #[cfg(feature = "testing")]
    pub(crate) fn crash(&self) {
        self.lost.cancel();
    }

    pub(crate) fn cancelled(&self) -> Failure {
        Error::Cancelled { id: self.id() }.into()
    }

    pub(crate) fn set_committed(&self) {
        self.committed.store(true, Ordering::Relaxed);
    }

    fn is_committed(&self) -> bool {
        self.committed.load(Ordering::Relaxed)
    }

    fn is_cancelled_by_user(&self) -> bool {
        self.undo_only || self.cancel.is_cancelled()
    }
}

/// A pause before trying again, longer each time.
fn pause(first: Duration, tried: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(30);
    first
        .checked_mul(1_u32.checked_shl(tried.min(16)).unwrap_or(u32::MAX))
        .map_or(LONGEST, |pause| pause.min(LONGEST))
}

/// Whether the engine tries again after such a failure.
fn may_pass(kind: ErrorKind) -> bool {
    kind.is_transient()
}
