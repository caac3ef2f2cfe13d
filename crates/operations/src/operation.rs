//! What a run function works with.

use std::sync::Arc;

use ostler_vocabulary::{Failure, OperationId, Timestamp, Unit};
use tokio_util::sync::CancellationToken;

use crate::journal::StepAt;
use crate::record::{AuditRecord, Event};
use crate::run::{Call, Run, execute};
use crate::step::StepBuilder;

/// What a run function works with. Cloning gives another handle to the same run.
///
/// Steps are run one after another; what is to run at the same time goes through [`Operation::fan_out`]. Code between
/// steps uses no clock, no randomness and no environment, so that a resumed run comes to the same steps. An operation
/// over many items runs the steps of each through [`Operation::item`].
#[derive(Debug, Clone)]
pub struct Operation {
    pub(crate) run: Arc<Run>,
    /// The number of the item plus one; 0 outside items.
    pub(crate) item: u64,
}

impl Operation {
    pub(crate) fn new(run: Arc<Run>) -> Self {
        Self { run, item: 0 }
    }

    /// The operation's id.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.run.id()
    }

    /// Which owner of the operation this is, counted by the journal: it takes no write of an earlier one.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.run.by.epoch
    }

    /// When the operation was first started: the same on every resume.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.run.started
    }

    /// The version of the kind's steps that it was started with: this program's, or the one before.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.run.version
    }

    /// Becomes cancelled when the operation is to stop. Steps get it too; nothing new begins after it.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        &self.run.cancel
    }

    /// A handle for the steps of one item, by its number in the plan. Steps of an item have places of their own: an item
    /// that takes other steps after an undo moves no step of another item. Steps outside items come before all items.
    #[must_use]
    pub fn item(&self, number: u64) -> Self {
        Self {
            run: Arc::clone(&self.run),
            item: number.saturating_add(1),
        }
    }

    /// Ends the undo of all steps of this key: their work is over and stays as it is, also when the operation fails or is
    /// cancelled. The reasons of the operation then have `what`.
    pub fn settle(&self, key: &str, what: impl Into<String>) {
        self.run.settle(key, what.into());
    }

    /// Ends the undo of one step of this key: the reasons then name what stays.
    pub fn settle_step(&self, name: &str, key: &str, leaves: impl Into<String>) {
        self.run.settle_step(name, key, &leaves.into());
    }

    /// A named step. Build it, then `run` it: on a resume after it finished, `run` returns the recorded result.
    pub fn step(&self, name: &str) -> StepBuilder<'_> {
        StepBuilder::new(self, name)
    }

    /// Says something to whoever watches. The journal gets it a moment later, so that others see it too.
    pub fn message(&self, text: impl Into<String>) {
        self.run.tell(Event::Message { text: text.into() });
    }

    /// Records that something is about to be destroyed. A second entry of the same action and item is dropped.
    ///
    /// # Errors
    /// When the journal cannot be written, or another owner has taken the operation over: destroy nothing then.
    pub async fn audit(&self, action: &str, item: &str, bytes: u64, reason: &str) -> Result<(), Failure> {
        let entry = AuditRecord {
            at: self.run.engine.clock.now(),
            action: action.to_owned(),
            item: item.to_owned(),
            bytes,
            reason: reason.to_owned(),
        };
        self.run
            .journal(move |journal, by| journal.audit(by, &entry))
            .await
    }

    /// From here on nothing is undone, and a cancel is too late. It is a step named `commit`.
    ///
    /// # Errors
    /// `Cancelled` when a cancel was asked for before; otherwise as for any step.
    pub async fn commit(&self) -> Result<(), Failure> {
        let position = self.run.place(self.item, "commit", &[""])?;
        let call = Call {
            at: StepAt {
                position,
                name: "commit".to_owned(),
                key: String::new(),
            },
            unit: Unit::Objects,
            retries: 0,
            commits: true,
            token: self.run.cancel.clone(),
            undo: None,
        };
        execute(&self.run, call, |_| async { Ok(()) }).await?;
        self.run.set_committed();
        Ok(())
    }
}
