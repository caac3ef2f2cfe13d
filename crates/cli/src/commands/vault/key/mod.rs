//! `ostler vault key`

mod add;
mod list;
mod remove;
mod rotate;
mod sheet;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    List(list::List),
    Add(add::Add),
    Remove(remove::Remove),
    Rotate(rotate::Rotate),
    Sheet(sheet::Sheet),
}

impl KeyCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(verb) => verb.run(session).await,
            Self::Add(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
            Self::Rotate(verb) => verb.run(session).await,
            Self::Sheet(verb) => verb.run(session).await,
        }
    }
}
