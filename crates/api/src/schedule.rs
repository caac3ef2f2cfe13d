//! Schedules: what is to be done again and again, and the calls about them.

use std::path::PathBuf;

use jiff::Timestamp;
use ostler_vocabulary::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{Firing, FiringList, ScheduleChange, ScheduleDetail, ScheduleList, SchedulePreview};
use crate::request::{Prune, Request};

/// When a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A cron expression of five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    Cron(String),
    /// Again and again after this long, counted from the start of the schedule.
    Every(Span),
    /// After each good run of another schedule.
    After(String),
}

/// What becomes of runs that nobody began when they were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// They are left out.
    Skip,
    /// One run makes up for all of them.
    #[default]
    Once,
    /// Each is made up for, the oldest first.
    All,
}

/// What becomes of a run that is due while the one before still runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It begins when that one is over.
    Wait,
}

/// Where somebody is told of each good run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Push {
    /// At this URL.
    Url(String),
    /// At the URL in this environment variable of the process that runs the schedule.
    Env(String),
    /// At the URL in this file.
    File(PathBuf),
}

impl Push {
    /// A URL, or where one is: `env:NAME`, `file:PATH`.
    #[must_use]
    pub fn of(text: String) -> Self {
        match text.split_once(':') {
            Some(("env", name)) => Self::Env(name.to_owned()),
            Some(("file", path)) if !path.starts_with("//") => Self::File(PathBuf::from(path)),
            _ => Self::Url(text),
        }
    }
}

/// What somebody wants of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// When it runs.
    pub trigger: Trigger,
    /// The IANA time zone in which a cron expression is read.
    pub zone: String,
    /// Runs are moved by up to this, each schedule by an amount of its own that is always the same.
    #[serde(default)]
    pub jitter: Option<Span>,
    /// What becomes of runs that nobody began.
    #[serde(default)]
    pub missed: Missed,
    /// What becomes of a run that is due while the one before still runs.
    #[serde(default)]
    pub overlap: Overlap,
    /// How late a run may begin; no run begins later.
    #[serde(default)]
    pub deadline: Option<Span>,
    /// Nothing is due before this.
    #[serde(default)]
    pub start: Option<Timestamp>,
    /// Nothing is due at or after this.
    #[serde(default)]
    pub end: Option<Timestamp>,
    /// The command as it was typed, without the program's name.
    pub words: Vec<String>,
    /// What it asks for.
    pub request: Request,
    /// Keep rules that are applied after each complete backup.
    #[serde(default)]
    pub keep: Option<Prune>,
    /// Where a good run is told.
    #[serde(default)]
    pub push: Option<Push>,
}

/// A schedule that stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Why, for whoever finds it later.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// How often it was changed, from 1.
    pub version: u64,
    /// When it was added.
    pub created: Timestamp,
    /// Why nothing runs, where somebody paused it.
    pub pause: Option<Pause>,
    /// What it is to do, and when.
    #[serde(flatten)]
    pub definition: Definition,
}

/// What is to be different; `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DefinitionChange {
    /// When it runs.
    pub trigger: Option<Trigger>,
    /// The time zone.
    pub zone: Option<String>,
    /// The jitter; 0 for none.
    pub jitter: Option<Span>,
    /// Missed runs.
    pub missed: Option<Missed>,
    /// Overlapping runs.
    pub overlap: Option<Overlap>,
    /// How late a run may begin; 0 for however late.
    pub deadline: Option<Span>,
    /// The start.
    pub start: Option<Timestamp>,
    /// The end.
    pub end: Option<Timestamp>,
    /// The command, and what it asks for.
    pub command: Option<(Vec<String>, Request)>,
    /// Keep rules; rules without any are none.
    pub keep: Option<Prune>,
    /// Where a good run is told.
    pub push: Option<Push>,
    /// Whether nobody is told any more.
    pub no_push: bool,
}

/// A call about schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum ScheduleCall {
    /// All schedules, and whether somebody runs them.
    List,
    /// One, with its newest runs.
    Show {
        /// Its name.
        name: String,
        /// How many runs.
        limit: u32,
    },
    /// Adds one.
    Add {
        /// Its name.
        name: String,
        /// What it is.
        definition: Box<Definition>,
    },
    /// Changes one.
    Edit {
        /// Its name.
        name: String,
        /// Only if it still has this version.
        version: Option<u64>,
        /// What changes.
        change: Box<DefinitionChange>,
    },
    /// Lets nothing of it run.
    Pause {
        /// Its name.
        name: String,
        /// Why.
        reason: Option<String>,
    },
    /// Lets it run again. What was due in between is not made up for.
    Resume {
        /// Its name.
        name: String,
    },
    /// Removes it, with the record of its runs. What they made stays.
    Remove {
        /// Its name.
        name: String,
    },
    /// When it would run.
    Preview {
        /// Its name.
        name: String,
        /// From when on; now when not given.
        from: Option<Timestamp>,
        /// How many runs.
        count: u32,
    },
    /// Begins a run now, in this process. It is to be followed by `Finish`.
    Run {
        /// Its name.
        name: String,
    },
    /// Waits for a run of this process and does what comes after it: keep rules, push.
    Finish {
        /// The run's number.
        number: u64,
    },
    /// Begins what is due, goes on with what was interrupted, and waits for all of it.
    RunDue,
}

/// The answer to a [`ScheduleCall`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub enum ScheduleAnswer {
    /// To `List`.
    List(ScheduleList),
    /// To `Show`.
    Detail(Box<ScheduleDetail>),
    /// To what changes one.
    Changed(Box<ScheduleChange>),
    /// To `Preview`.
    Preview(SchedulePreview),
    /// To `Run` and `Finish`.
    Firing(Firing),
    /// To `RunDue`.
    Firings(FiringList),
}
