//! `ostler state`

mod export;
mod import;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    Export(export::Export),
    Import(import::Import),
}

impl StateCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Export(verb) => verb.run(session).await,
            Self::Import(verb) => verb.run(session).await,
        }
    }
}
