//! `ostler rollup`

mod add;
mod refresh;
mod remove;

use clap::Subcommand;
use ostler_api::Request;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::retention::ask;
use super::{definition, not_scheduled};
use crate::operate::Approval;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum RollupCommand {
    Add(Box<add::Add>),
    List(definition::List),
    Show(definition::Show),
    Refresh(refresh::Refresh),
    #[command(aliases = ["rm", "delete"])]
    Remove(remove::Remove),
}

impl RollupCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Refresh(verb) => Ok(verb.wish()),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session, DefinitionKind::Rollup).await,
            Self::Show(verb) => verb.run(session, DefinitionKind::Rollup).await,
            Self::Refresh(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
        }
    }
}
