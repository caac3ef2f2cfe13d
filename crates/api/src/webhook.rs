//! Webhooks: who is told when something changes, and the calls about them.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schedule::Push;

/// Something that webhooks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// An operation began, or was gone on with.
    Started,
    /// An operation ended with all it promised.
    Succeeded,
    /// An operation ended with a part not done.
    Partial,
    /// An operation failed.
    Failed,
    /// An operation was undone.
    Cancelled,
    /// Nobody works on an operation any more that is not over.
    Interrupted,
    /// A schedule let a run go by.
    Missed,
    /// A run of a schedule is due that nobody has begun.
    Overdue,
    /// Somebody asked for a test.
    Test,
}

impl HookEvent {
    /// All that can be asked for.
    pub const ALL: [Self; 8] = [
        Self::Started,
        Self::Succeeded,
        Self::Partial,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
        Self::Missed,
        Self::Overdue,
    ];

    /// What is told when nobody says: all that needs somebody to look.
    pub const DEFAULT: [Self; 5] = [
        Self::Partial,
        Self::Failed,
        Self::Interrupted,
        Self::Missed,
        Self::Overdue,
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Missed => "missed",
            Self::Overdue => "overdue",
            Self::Test => "test",
        }
    }

    /// What happened, for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Started => "An operation began, or was gone on with",
            Self::Succeeded => "An operation ended with all it promised",
            Self::Partial => "An operation ended with a part not done",
            Self::Failed => "An operation failed",
            Self::Cancelled => "An operation was undone",
            Self::Interrupted => "Nobody works any more on an operation that is not over",
            Self::Missed => "A schedule let a run go by",
            Self::Overdue => "A run of a schedule is due that nobody has begun",
            Self::Test => "Somebody asked for a test",
        }
    }

    /// The `type` in what is sent.
    #[must_use]
    pub fn full_name(self) -> &'static str {
        match self {
            Self::Started => "operation.started",
            Self::Succeeded => "operation.succeeded",
            Self::Partial => "operation.partial",
            Self::Failed => "operation.failed",
            Self::Cancelled => "operation.cancelled",
            Self::Interrupted => "operation.interrupted",
            Self::Missed => "schedule.missed",
            Self::Overdue => "schedule.overdue",
            Self::Test => "test",
        }
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookFormat {
    /// Everything, for programs.
    #[default]
    Full,
    /// `{"text": …}`, as chats take it.
    Chat,
}

/// What a webhook's messages are signed with: `whsec_` and 24 to 64 bytes in base 64. It goes to the server and never comes
/// back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// Takes what somebody wrote; whether it can be used is checked where it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every call is a place to review.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What somebody wants of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookDefinition {
    /// Where it is told.
    pub address: Push,
    /// What it is told.
    pub on: Vec<HookEvent>,
    /// How.
    #[serde(default)]
    pub format: HookFormat,
}

/// A call about webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum WebhookCall {
    /// All of them, and how they do.
    List,
    /// One, with its newest messages.
    Show {
        /// Its name.
        name: String,
        /// How many messages.
        limit: u32,
    },
    /// Adds one.
    Add {
        /// Its name.
        name: String,
        /// What it is.
        definition: HookDefinition,
        /// What its messages are signed with.
        secret: SigningSecret,
    },
    /// Removes it, with what it was not told yet.
    Remove {
        /// Its name.
        name: String,
    },
    /// Sends a message now, and says what the receiver answered.
    Test {
        /// Its name.
        name: String,
    },
}

/// The answer to a [`WebhookCall`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub enum WebhookAnswer {
    /// To `List`.
    List(WebhookList),
    /// To `Show`.
    Detail(WebhookDetail),
    /// To `Add` and `Remove`.
    Changed(WebhookChange),
    /// To `Test`.
    Tested(Delivery),
}

/// `webhook list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookList {
    /// By name.
    pub webhooks: Vec<WebhookSummary>,
}

/// One row of `webhook list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookSummary {
    /// Its name.
    pub name: String,
    /// Where it is told: the host only, because the rest of a URL may be a secret; or where the URL is.
    pub address: String,
    /// What it is told.
    pub on: Vec<HookEvent>,
    /// How.
    pub format: HookFormat,
    /// When it was added.
    pub created: Timestamp,
    /// Messages that wait to be sent, for the first time or again.
    pub pending: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// The newest message.
    pub last: Option<Delivery>,
}

/// `webhook show`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: WebhookSummary,
    /// Its newest messages, the newest first.
    pub deliveries: Vec<Delivery>,
}

/// What `webhook add` and `webhook remove` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookChange {
    /// `added` or `removed`.
    pub action: String,
    /// The webhook.
    pub webhook: WebhookSummary,
    /// What should be known about it.
    pub notes: Vec<String>,
}

/// A message and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Its id, the same however often it is sent.
    pub id: String,
    /// What it tells.
    pub event: HookEvent,
    /// What it is about.
    pub subject: String,
    /// When it was made.
    pub created: Timestamp,
    /// How often it was sent.
    pub attempts: u32,
    /// When the receiver took it.
    pub delivered: Option<Timestamp>,
    /// When it is sent again; `None` when it was taken or given up.
    pub next: Option<Timestamp>,
    /// Why it was not taken, the last time.
    pub failure: Option<String>,
}
