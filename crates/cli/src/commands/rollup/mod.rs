//! `ostler rollup`

mod add;
mod list;
mod refresh;
mod remove;
mod show;

use clap::Subcommand;
use ostler_api::Request;
use ostler_vocabulary::Failure;

use super::not_scheduled;
use super::retention::ask;
use crate::operate::Approval;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum RollupCommand {
    Add(Box<add::Add>),
    List(list::List),
    Show(show::Show),
    Refresh(refresh::Refresh),
    #[command(aliases = ["rm", "delete"])]
    Remove(remove::Remove),
}

impl RollupCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Refresh(verb) => verb.wish(),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Refresh(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
        }
    }
}
