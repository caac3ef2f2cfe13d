//! `ostler user`

mod add;
mod list;
mod password;
mod remove;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ostler_vocabulary::{Failure, Secret};
use ostler_web::new_password;

use crate::arguments::path;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    Add(add::Add),
    List(list::List),
    Password(password::Password),
    Remove(remove::Remove),
}

impl UserCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session),
            Self::Password(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
        }
    }
}

/// Where a password comes from.
#[derive(Debug, Args)]
struct PasswordArguments {
    /// A file whose first line is the password, `-` for standard input; one is made and printed if not given
    #[arg(long, value_name = "FILE", value_parser = path())]
    password_file: Option<PathBuf>,
}

impl PasswordArguments {
    /// The password, and whether it was made here.
    fn password(&self, session: &Session) -> Result<(Secret, bool), Failure> {
        let Some(file) = &self.password_file else {
            return Ok((new_password()?, true));
        };
        Ok((session.secret_in(file)?, false))
    }
}
