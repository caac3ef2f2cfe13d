//! `ostler webhook`

mod add;
mod list;
mod remove;
mod show;
mod test;

use clap::{Subcommand, ValueEnum};
use ostler_api::webhook::{HookEvent, WebhookCall};
use ostler_vocabulary::Failure;

use crate::report;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    #[command(alias = "create")]
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Test(test::Test),
    #[command(aliases = ["rm", "delete"])]
    Remove(remove::Remove),
}

impl WebhookCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Test(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
        }
    }
}

/// Calls, and prints what comes back.
async fn ask(session: &Session, call: WebhookCall) -> Result<(), Failure> {
    let answer = session.client().await?.webhook(call).await?;
    report::webhook::answer(session, &answer)
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EventWord {
    /// An operation began, or was gone on with
    Started,
    /// An operation ended with all it promised
    Succeeded,
    /// An operation ended with a part not done
    Partial,
    /// An operation failed
    Failed,
    /// An operation was undone
    Cancelled,
    /// Nobody works any more on an operation that is not over
    Interrupted,
    /// A schedule let a run go by
    Missed,
    /// A run of a schedule is due that nobody has begun
    Overdue,
    /// All of these
    All,
}

impl EventWord {
    fn events(self) -> Vec<HookEvent> {
        match self {
            Self::Started => vec![HookEvent::Started],
            Self::Succeeded => vec![HookEvent::Succeeded],
            Self::Partial => vec![HookEvent::Partial],
            Self::Failed => vec![HookEvent::Failed],
            Self::Cancelled => vec![HookEvent::Cancelled],
            Self::Interrupted => vec![HookEvent::Interrupted],
            Self::Missed => vec![HookEvent::Missed],
            Self::Overdue => vec![HookEvent::Overdue],
            Self::All => HookEvent::ALL.to_vec(),
        }
    }
}
