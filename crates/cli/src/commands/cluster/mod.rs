//! `ostler cluster`

mod add;
mod adopt;
mod explore;
mod init;
mod list;
mod remove;
mod show;
mod status;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    Init(init::Init),
    Add(add::Add),
    List(list::List),
    Show(show::Show),
    Status(status::Status),
    Explore(explore::Explore),
    Adopt(adopt::Adopt),
    Remove(remove::Remove),
}

impl ClusterCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Init(verb) => verb.run(session).await,
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Status(verb) => verb.run(session).await,
            Self::Explore(verb) => verb.run(session).await,
            Self::Adopt(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
        }
    }
}
