//! `ostler backup drill`

use std::path::PathBuf;

use clap::Args;
use ostler_api::request::{self, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{SelectorArguments, command, path};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Restore a backup into scratch, compare every file, and store the proof with it
///
/// Files are compared with the backup, and with the live source where that has not changed. The scratch directory is
/// removed again, also after a crash.
#[derive(Debug, Args)]
pub(crate) struct Drill {
    #[command(flatten)]
    which: SelectorArguments,

    /// The directory in which the scratch directory is made; the state directory if not given
    #[arg(long, value_name = "DIR", value_parser = path())]
    scratch: Option<PathBuf>,

    /// A command run in the restored tree, which must exit with 0
    #[arg(long, value_name = "COMMAND", value_parser = command())]
    check: Option<String>,

    /// Start the database on what was restored, apart from everything that lives, and ask it what it was asked when it
    /// was backed up
    #[arg(long)]
    start: bool,
}

impl Drill {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish(session)?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self, session: &Session) -> Result<(Request, Approval), Failure> {
        let request = Request::Drill(request::Drill {
            backup: self.which.selector()?,
            scratch: self.scratch.map(|scratch| session.target(&scratch)).transpose()?,
            check: self.check,
            start: self.start,
        });
        Ok((request, Approval::none()))
    }
}
