//! `ostler vault`

mod add;
mod check;
mod info;
mod init;
mod key;
mod list;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    Init(Box<init::Init>),
    List(list::List),
    Info(info::Info),
    Check(check::Check),
    Add(add::Add),
    /// Look at, add, remove and rotate what opens a vault
    #[command(subcommand, arg_required_else_help = true)]
    Key(key::KeyCommand),
}

impl VaultCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Init(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Info(verb) => verb.run(session).await,
            Self::Check(verb) => verb.run(session).await,
            Self::Add(verb) => verb.run(session).await,
            Self::Key(verb) => verb.run(session).await,
        }
    }
}
