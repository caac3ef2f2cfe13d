//! `ostler materialize`

mod create;
mod drop;
mod refresh;

use clap::Subcommand;
use ostler_api::Request;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::retention::ask;
use super::{definition, not_scheduled};
use crate::operate::Approval;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum MaterializeCommand {
    Create(Box<create::Create>),
    List(definition::List),
    Show(definition::Show),
    Refresh(refresh::Refresh),
    Drop(drop::Drop),
}

impl MaterializeCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Refresh(verb) => Ok(verb.wish()),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let kind = DefinitionKind::Materialized;
        match self {
            Self::Create(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session, kind).await,
            Self::Show(verb) => verb.run(session, kind).await,
            Self::Refresh(verb) => verb.run(session).await,
            Self::Drop(verb) => verb.run(session).await,
        }
    }
}
