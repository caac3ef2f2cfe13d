//! `ostler audit`

mod list;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    List(list::List),
}

impl AuditCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(verb) => verb.run(session).await,
        }
    }
}
