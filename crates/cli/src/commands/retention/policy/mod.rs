//! `ostler retention policy`

mod check;
mod edit;
mod export;
mod import;
mod list;
mod remove;
mod show;
mod tags;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use super::{add, ask};
use crate::session::Session;
pub(super) use list::List;
pub(super) use remove::Remove;
pub(super) use tags::Tags;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    #[command(alias = "create")]
    Add(Box<add::Add>),
    List(list::List),
    Show(show::Show),
    Edit(Box<edit::Edit>),
    #[command(aliases = ["rm", "delete"])]
    Remove(remove::Remove),
    Check(check::Check),
    Tags(tags::Tags),
    Import(import::Import),
    Export(export::Export),
}

impl PolicyCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Edit(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
            Self::Check(verb) => verb.run(session).await,
            Self::Tags(verb) => verb.run(session).await,
            Self::Import(verb) => verb.run(session).await,
            Self::Export(verb) => verb.run(session).await,
        }
    }
}
