//! `ostler vault`

mod add;
mod check;
mod info;
mod init;
mod key;
mod list;
mod mirror;
mod probe;

use clap::Subcommand;
use ostler_api::Request;
use ostler_vocabulary::Failure;

use super::not_scheduled;
use crate::operate::Approval;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    Init(Box<init::Init>),
    List(list::List),
    Info(info::Info),
    Check(Box<check::Check>),
    Probe(probe::Probe),
    Add(add::Add),
    Mirror(Box<mirror::Mirror>),
    /// Look at, add, remove and rotate what opens a vault
    #[command(subcommand, arg_required_else_help = true)]
    Key(key::KeyCommand),
}

impl VaultCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self, session: &Session) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Check(verb) => verb.wish(session),
            Self::Mirror(verb) => verb.wish(),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Init(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Info(verb) => verb.run(session).await,
            Self::Check(verb) => verb.run(session).await,
            Self::Probe(verb) => verb.run(session).await,
            Self::Add(verb) => verb.run(session).await,
            Self::Mirror(verb) => verb.run(session).await,
            Self::Key(verb) => verb.run(session).await,
        }
    }
}
