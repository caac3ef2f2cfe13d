//! What somebody may do.

use std::fmt;
use std::str::FromStr;

use ostler_api::Request;
use ostler_api::retention::RetentionCall;
use ostler_api::schedule::ScheduleCall;
use ostler_api::tables::Definition;
use ostler_api::webhook::WebhookCall;
use serde::{Deserialize, Serialize};

/// What somebody may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything but the contents of files.
    Viewer,
    /// Read contents, plan, start, stop and mark.
    Operator,
    /// Everything: also keys, repairs, and requests that name commands or databases to run on.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The least role that may ask for this. A command in a request runs as whoever runs the server.
    #[must_use]
    pub fn needed_for(request: &Request) -> Self {
        match request {
            Request::CreateBackup(create)
                if create.hooks.before.is_some() || create.hooks.after.is_some() =>
            {
                Self::Admin
            }
            Request::Drill(drill) if drill.check.is_some() => Self::Admin,
            Request::CreateBackup(_)
            | Request::Restore(_)
            | Request::Verify(_)
            | Request::Drill(_)
            | Request::Delete(_)
            | Request::Prune(_)
            | Request::CheckVault(_)
            | Request::Mirror(_) => Self::Operator,
            Request::Retention(retention) if retention.place.database.dsn.is_none() => Self::Operator,
            Request::Tables(tables) if tables.place.database.dsn.is_none() && !tables.task.is_free() => {
                Self::Operator
            }
            // What is not known here yet is for admins.
            _ => Self::Admin,
        }
    }

    /// The least role that may make this call about schedules. A schedule holds a request, and may name an address, a file
    /// or a variable that the server then asks, reads or tells.
    #[must_use]
    pub fn needed_for_schedule(call: &ScheduleCall) -> Self {
        match call {
            ScheduleCall::Add { definition, .. } if definition.push.is_none() => {
                Self::needed_for(&definition.request)
            }
            ScheduleCall::Edit { change, .. } if change.push.is_none() => change
                .command
                .as_ref()
                .map_or(Self::Operator, |(_, request)| Self::needed_for(request)),
            ScheduleCall::Add { .. } | ScheduleCall::Edit { .. } => Self::Admin,
            _ => Self::Operator,
        }
    }
}

impl Role {
    /// The least role that may make this call about what governs tables: a query that is defined runs as the server.
    #[must_use]
    pub fn needed_for_tables(call: &RetentionCall) -> Self {
        match call {
            RetentionCall::Define {
                definition: Definition::Query(_) | Definition::Materialized(_),
                ..
            } => Self::Admin,
            _ => Self::Operator,
        }
    }

    /// The least role that may make this call about webhooks: each of them makes the server call an address.
    #[must_use]
    pub fn needed_for_webhook(call: &WebhookCall) -> Self {
        match call {
            WebhookCall::List | WebhookCall::Show { .. } => Self::Operator,
            WebhookCall::Add { .. } | WebhookCall::Remove { .. } | WebhookCall::Test { .. } => Self::Admin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no role: viewer, operator or admin"))
    }
}
