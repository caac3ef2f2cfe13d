//! `ostler vault`

mod add;
mod check;
mod info;
mod init;
mod list;
mod mirror;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    Init(Box<init::Init>),
    List(list::List),
    Info(info::Info),
    Check(Box<check::Check>),
    Add(add::Add),
    Mirror(Box<mirror::Mirror>),
}

impl VaultCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Init(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Info(verb) => verb.run(session).await,
            Self::Check(verb) => verb.run(session).await,
            Self::Add(verb) => verb.run(session).await,
            Self::Mirror(verb) => verb.run(session).await,
        }
    }
}
