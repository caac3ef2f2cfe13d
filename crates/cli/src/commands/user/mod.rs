//! `ostler user`

mod add;
mod list;
mod password;
mod remove;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ostler_vocabulary::{ErrorKind, Failure, Secret};
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

/// Bytes of a file with a password at most.
const LONGEST: u64 = 64 << 10;

impl PasswordArguments {
    /// The password, and whether it was made here.
    fn password(&self, session: &Session) -> Result<(Secret, bool), Failure> {
        let Some(file) = &self.password_file else {
            return Ok((new_password()?, true));
        };
        let mut text = String::new();
        let read = match file == Path::new("-") {
            true => std::io::stdin().lock().take(LONGEST).read_to_string(&mut text),
            false => std::fs::File::open(session.directory.join(file))
                .and_then(|opened| opened.take(LONGEST).read_to_string(&mut text)),
        };
        read.map_err(|error| {
            Failure::new(ErrorKind::Invalid, error.to_string())
                .context(format!("cannot read the password in {}", file.display()))
        })?;
        let line = text.lines().next().unwrap_or_default();
        Ok((Secret::new(line), false))
    }
}
