//! `ostler config`

mod check;
mod env;
mod init;
mod show;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(check::Check),
    Show(show::Show),
    Init(init::Init),
    Env(env::Env),
}

impl ConfigCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Check(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session),
            Self::Init(verb) => verb.run(session),
            Self::Env(verb) => verb.run(session),
        }
    }
}
