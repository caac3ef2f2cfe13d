//! The audit log: who changed what, from what to what.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whose changes, of what and since when are asked for; what is not given does not narrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// At most so many, the newest first.
    pub limit: usize,
    /// Only those with lower numbers than this.
    pub below: Option<u64>,
    /// Only those that were asked for at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those by somebody of this name.
    pub who: Option<String>,
    /// Only those whose action or object has this in it.
    pub what: Option<String>,
}

impl AuditQuery {
    /// The newest so many.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self {
            limit,
            below: None,
            since: None,
            who: None,
            what: None,
        }
    }
}

/// `audit list`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditList {
    /// Newest first.
    pub changes: Vec<AuditedChange>,
}

/// A change that somebody asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditedChange {
    /// Its place in the log, from 1.
    pub number: u64,
    /// When it was asked for.
    pub at: Timestamp,
    /// By whom.
    #[serde(flatten)]
    pub by: Actor,
    /// What was done, such as `schedule edit`.
    pub action: String,
    /// To what.
    pub object: String,
    /// As it was before, where there was something.
    pub before: Option<Value>,
    /// As it is after; of an operation that was started, its id and what was asked for.
    pub after: Option<Value>,
    /// How it went.
    pub state: AuditState,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// Why it was not done.
    pub failure: Option<String>,
}

/// Somebody who changes things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Their name.
    pub who: String,
    /// How they were known.
    pub by: By,
    /// Where they asked from; none on the machine itself.
    pub address: Option<IpAddr>,
}

/// How somebody who changes things was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// They ran a command on this machine; the name is that of the machine's user.
    Command,
    /// They had a token of that name.
    Token,
    /// They came in by a link that works once.
    Link,
    /// They signed in with a name and a password.
    User,
}

impl By {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Token => "token",
            Self::Link => "link",
            Self::User => "user",
        }
    }
}

/// How a change went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditState {
    /// It was asked for, and whoever carried it out did not say how it went: it died, or is at it.
    Asked,
    /// It was done.
    Done,
    /// It was not done.
    Refused,
}

impl AuditState {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}
