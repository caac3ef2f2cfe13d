//! Schedules and their runs as documents.

use jiff::Timestamp;
use ostler_vocabulary::{ErrorKind, OperationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;

/// Why a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was due.
    Due,
    /// It was due earlier, when nobody began it.
    CatchUp,
    /// Another schedule had a good run.
    After,
    /// Somebody asked for it.
    Manual,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FiringState {
    /// It runs, or was interrupted and will be gone on with.
    Running,
    /// It ended, with all it promised, and so did its keep rules.
    Succeeded,
    /// It ended with a part not done.
    Partial,
    /// It failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// It did not run, by rule or because nobody began it.
    Missed,
}

impl FiringState {
    /// The word in tables, documents and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
        }
    }
}

/// One run of a schedule, or runs that were missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firing {
    /// The how-manieth of all schedules.
    pub number: u64,
    /// The schedule.
    pub schedule: String,
    /// Why it began.
    pub cause: Cause,
    /// When it was due, jitter included; of several missed runs, the last.
    pub due: Timestamp,
    /// How it stands.
    pub state: FiringState,
    /// When it was begun, or found missed.
    pub began: Timestamp,
    /// When everything was over.
    pub ended: Option<Timestamp>,
    /// The operation that it runs.
    pub operation: Option<OperationId>,
    /// The operation that applies the keep rules.
    pub keep_operation: Option<OperationId>,
    /// Due runs that did not happen and that this stands for.
    pub missed: u64,
    /// Why it is as it is.
    pub reasons: Vec<String>,
    /// What the failure means, when it failed.
    #[serde(default)]
    pub failure: Option<ErrorKind>,
}

/// `schedule run-due`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FiringList {
    /// What was begun or gone on with, in that order.
    pub firings: Vec<Firing>,
}

/// Whether somebody runs what is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchedulerStanding {
    /// When it last said that it is there; `None` when it never did.
    pub last_beat: Option<Timestamp>,
    /// Which process that was, as `host (process N)`.
    pub process: Option<String>,
    /// Whether that is recent enough.
    pub alive: bool,
}

/// One row of `schedule list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleSummary {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// When it runs next, as far as that is known.
    pub next: Option<Timestamp>,
    /// Why then, or why not.
    pub reasons: Vec<String>,
    /// Since when a run is due that nobody has begun.
    pub overdue: Option<Timestamp>,
    /// Its newest run.
    pub last: Option<Firing>,
    /// When its last good run ended.
    pub last_good: Option<Timestamp>,
}

/// `schedule list`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleList {
    /// Whether somebody runs them.
    pub scheduler: SchedulerStanding,
    /// By name.
    pub schedules: Vec<ScheduleSummary>,
}

/// `schedule show`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: ScheduleSummary,
    /// The next runs.
    pub upcoming: Vec<Timestamp>,
    /// Its newest runs, the newest first.
    pub firings: Vec<Firing>,
}

/// `schedule add`, `edit`, `pause`, `resume` and `remove`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleChange {
    /// `added`, `changed`, `paused`, `resumed` or `removed`.
    pub action: String,
    /// The schedule as it is now, or was when it was removed.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// When it runs next.
    pub next: Option<Timestamp>,
    /// What should be known about it.
    pub notes: Vec<String>,
}

/// A moment at which a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upcoming {
    /// When.
    pub at: Timestamp,
    /// The same on the clocks of its time zone, with the offset.
    pub local: String,
    /// What is unusual about it, such as a time that the clocks leave out.
    pub note: Option<String>,
}

/// `schedule preview`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchedulePreview {
    /// The schedule.
    pub schedule: String,
    /// Its time zone.
    pub zone: String,
    /// The next runs.
    pub runs: Vec<Upcoming>,
    /// Why there are not as many as were asked for.
    pub reasons: Vec<String>,
}
