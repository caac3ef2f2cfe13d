//! `ostler backup verify`

use std::path::PathBuf;

use clap::Args;
use ostler_api::request::{self, Part, Request, Share};
use ostler_vocabulary::{ErrorKind, Failure, Span};

use crate::arguments::SelectorArguments;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Check that everything a backup needs is in the store, and store the proof with it
///
/// Exits with 6 when anything is missing or wrong. A backup is `verified` when every byte of it was read back: by
/// `--read-data`, by a drill, or by parts that together read everything.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    which: SelectorArguments,

    /// Read, decrypt and check every byte, not only presence and size; with a share, the next part each time: twenty
    /// runs with `--read-data=5%` read everything
    #[arg(long, value_name = "SHARE", num_args = 0..=1, require_equals = true, default_missing_value = "100%")]
    read_data: Option<Share>,

    /// Read, decrypt and check what was neither stored nor read for so long, such as 30d
    #[arg(long, value_name = "AGE", conflicts_with = "read_data")]
    read_data_older_than: Option<Span>,

    /// Only what this file, or what is below this directory, needs; may be repeated
    #[arg(long, value_name = "PATH", conflicts_with = "read_data_older_than")]
    include: Vec<PathBuf>,
}

impl Verify {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish()?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        if !self.include.is_empty() && self.read_data.is_some_and(|share| !share.is_all()) {
            return Err(Failure::new(
                ErrorKind::Invalid,
                "a share is one of the whole backup, and --include means a part of it",
            )
            .with_hint("use --read-data without a share"));
        }
        let request = Request::Verify(request::Verify {
            backup: self.which.selector()?,
            read_data: self.read_data.is_some_and(Share::is_all),
            part: match (self.read_data, self.read_data_older_than) {
                (_, Some(age)) => Some(Part::OlderThan(age)),
                (Some(share), None) if !share.is_all() => Some(Part::Share(share)),
                _ => None,
            },
            include: self.include,
        });
        Ok((request, Approval::none()))
    }
}
