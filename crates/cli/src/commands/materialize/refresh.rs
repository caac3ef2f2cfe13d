//! `ostler materialize refresh`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::tables::{RefreshMaterialized, TableTask};
use ostler_vocabulary::Failure;

use crate::commands::definition::Again;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Make the rows of a materialised table anew, and swap them in
///
/// The new table is made beside the old one and takes its name in one transaction: whoever reads sees all of the one or all of the other.
/// With `--since` or `--until` only rows of that time are made anew, and the others are taken over.
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
        self.again.wish(|name, since, until| {
            TableTask::RefreshMaterialized(RefreshMaterialized { name, since, until })
        })
    }
}
