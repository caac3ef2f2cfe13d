//! What a ticker knows of its databases, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ostler_vocabulary::Failure;

/// How a database stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// A session is being made.
    #[default]
    Connecting,
    /// This ticker leads there.
    Leading,
    /// Another ticker leads there.
    StandingBy,
    /// There are no queues.
    NoQueues,
    /// The server is a replica; its primary ticks.
    Replica,
    /// The last attempt failed; the next one comes after a pause.
    Failing,
}

impl Standing {
    /// All, in the order of metrics.
    pub const ALL: [Self; 6] = [
        Self::Connecting,
        Self::Leading,
        Self::StandingBy,
        Self::NoQueues,
        Self::Replica,
        Self::Failing,
    ];

    /// The word in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Leading => "leading",
            Self::StandingBy => "standing by",
            Self::NoQueues => "no queues",
            Self::Replica => "replica",
            Self::Failing => "failing",
        }
    }
}

/// One database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseReport {
    /// How it stands.
    pub standing: Standing,
    /// Whether producers can wake the ticker there.
    pub listening: bool,
    /// Rounds made.
    pub rounds: u64,
    /// Queues ticked, summed over all rounds.
    pub ticks: u64,
    /// Wake-ups heard.
    pub wakeups: u64,
    /// Maintenance operations done.
    pub maintenance: u64,
    /// Failures of sessions, queues and maintenance.
    pub failures: u64,
    /// Failures of sessions in a row.
    pub failing: u32,
    /// The last failure's messages, the outermost first.
    pub last_failure: Vec<String>,
}

/// All databases by name.
#[derive(Debug, Default)]
pub struct Board {
    databases: Mutex<BTreeMap<String, DatabaseReport>>,
}

impl Board {
    /// Everything as it is now.
    #[must_use]
    pub fn reports(&self) -> BTreeMap<String, DatabaseReport> {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut DatabaseReport)) {
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        change(databases.entry(name.to_owned()).or_default());
    }

    pub(super) fn stand(&self, name: &str, standing: Standing) {
        self.change(name, |report| report.standing = standing);
    }

    /// A session ended with this; how many did so in a row.
    pub(super) fn failed(&self, name: &str, failure: &Failure) -> u32 {
        let mut failing = 0;
        self.change(name, |report| {
            report.standing = Standing::Failing;
            report.listening = false;
            report.failures += 1;
            report.failing += 1;
            report.last_failure = failure.messages();
            failing = report.failing;
        });
        failing
    }

    /// A part failed and the rest goes on.
    pub(super) fn trouble(&self, name: &str, message: &str) {
        self.change(name, |report| {
            report.failures += 1;
            report.last_failure = vec![message.to_owned()];
        });
    }

    pub(super) fn remove(&self, name: &str) {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    pub(super) fn clear(&self) {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
