//! `ostler queue dead-letter`

mod drop;
mod list;
mod retry;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    List(list::List),
    Retry(retry::Retry),
    Drop(drop::Drop),
}

impl DeadLetterCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(verb) => verb.run(session).await,
            Self::Retry(verb) => verb.run(session).await,
            Self::Drop(verb) => verb.run(session).await,
        }
    }
}
