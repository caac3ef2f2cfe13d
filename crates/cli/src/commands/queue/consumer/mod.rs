//! `ostler queue consumer`

mod list;
mod register;
mod unregister;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum ConsumerCommand {
    List(list::List),
    Register(register::Register),
    Unregister(unregister::Unregister),
}

impl ConsumerCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(verb) => verb.run(session).await,
            Self::Register(verb) => verb.run(session).await,
            Self::Unregister(verb) => verb.run(session).await,
        }
    }
}
