//! `ostler operation`

mod cancel;
mod export;
mod limit;
mod list;
mod resume;
mod show;
mod watch;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum OperationCommand {
    List(list::List),
    Show(show::Show),
    Watch(watch::Watch),
    Cancel(cancel::Cancel),
    Limit(limit::Limit),
    Resume(resume::Resume),
    Export(export::Export),
}

impl OperationCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Watch(verb) => verb.run(session).await,
            Self::Cancel(verb) => verb.run(session).await,
            Self::Limit(verb) => verb.run(session).await,
            Self::Resume(verb) => verb.run(session).await,
            Self::Export(verb) => verb.run(session).await,
        }
    }
}
