//! `ostler rollup refresh`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::tables::{RefreshRollup, TableTask};
use ostler_vocabulary::Failure;

use crate::commands::definition::Again;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Bring the levels of a rollup up to date
///
/// Whole buckets only: of what is before now, or before `--until`. Buckets of the time in which rows may come late are made anew, those
/// whose rows have gone are not. One that was killed goes on by `ostler operation resume`.
#[derive(Debug, Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    again: Again,
}

impl Refresh {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish();
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> (Request, Approval) {
        self.again
            .wish(|name, since, until| TableTask::RefreshRollup(RefreshRollup { name, since, until }))
    }
}
