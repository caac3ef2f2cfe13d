//! `ostler token`

mod add;
mod link;
mod list;
mod remove;

use clap::{Subcommand, ValueEnum};
use ostler_vocabulary::Failure;
use ostler_web::Role;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    Add(add::Add),
    List(list::List),
    Remove(remove::Remove),
    Link(link::Link),
}

impl TokenCommand {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session),
            Self::List(verb) => verb.run(session),
            Self::Remove(verb) => verb.run(session),
            Self::Link(verb) => verb.run(session),
        }
    }
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    /// Look at everything but the contents of files
    Viewer,
    /// Read contents, plan, start, stop and mark
    Operator,
    /// Everything, also keys, repairs and commands that run on the server
    Admin,
}

impl RoleWord {
    fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Operator => Role::Operator,
            Self::Admin => Role::Admin,
        }
    }
}
