//! `ostler backup verify`

use clap::Args;
use ostler_api::request::{self, Request};
use ostler_vocabulary::Failure;

use crate::arguments::SelectorArguments;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Check that everything a backup needs is in the store, and store the proof with it
///
/// Exits with 6 when anything is missing or wrong. Only `--read-data` (or a drill) makes a backup `verified`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    which: SelectorArguments,

    /// Read, decrypt and check every byte, not only presence and size
    #[arg(long)]
    read_data: bool,
}

impl Verify {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::Verify(request::Verify {
            backup: self.which.selector()?,
            read_data: self.read_data,
        });
        carry_out(session, request, Approval::none()).await
    }
}
