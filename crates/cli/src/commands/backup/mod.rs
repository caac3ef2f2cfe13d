//! `ostler backup`

mod create;
mod delete;
mod diff;
mod drill;
mod hold;
mod list;
mod prune;
mod release;
mod show;
mod tag;
mod verify;

use clap::Subcommand;
use ostler_api::Request;
use ostler_vocabulary::{BackupId, Failure};
use serde::Serialize;

use super::not_scheduled;
use crate::operate::Approval;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    Create(Box<create::Create>),
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    Verify(verify::Verify),
    Drill(drill::Drill),
    Delete(delete::Delete),
    Prune(Box<prune::Prune>),
    Hold(hold::Hold),
    Release(release::Release),
    Tag(tag::Tag),
}

impl BackupCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self, session: &Session) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Create(verb) => verb.wish(session),
            Self::Verify(verb) => verb.wish(),
            Self::Drill(verb) => verb.wish(session),
            Self::Prune(verb) => verb.wish(),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Create(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Diff(verb) => verb.run(session).await,
            Self::Verify(verb) => verb.run(session).await,
            Self::Drill(verb) => verb.run(session).await,
            Self::Delete(verb) => verb.run(session).await,
            Self::Prune(verb) => verb.run(session).await,
            Self::Hold(verb) => verb.run(session).await,
            Self::Release(verb) => verb.run(session).await,
            Self::Tag(verb) => verb.run(session).await,
        }
    }
}

/// What `hold`, `release` and `tag` print.
#[derive(Debug, Serialize)]
pub(crate) struct Marked {
    pub backup: BackupId,
    pub mark: ostler_api::client::Mark,
}
