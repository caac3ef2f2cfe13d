//! `ostler query`

mod add;
mod remove;
mod run;

use clap::Subcommand;
use ostler_api::Request;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::retention::ask;
use super::{definition, not_scheduled};
use crate::operate::Approval;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum QueryCommand {
    Run(run::Run),
    Add(add::Add),
    List(definition::List),
    Show(definition::Show),
    #[command(aliases = ["rm", "delete"])]
    Remove(remove::Remove),
}

impl QueryCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Run(verb) => Ok(verb.wish()),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let kind = DefinitionKind::Query;
        match self {
            Self::Run(verb) => verb.run(session).await,
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session, kind).await,
            Self::Show(verb) => verb.run(session, kind).await,
            Self::Remove(verb) => verb.run(session).await,
        }
    }
}
