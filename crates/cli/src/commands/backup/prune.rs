//! `ostler backup prune`

use clap::Args;
use ostler_api::request::{self, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, FilterArguments, KeepArguments};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Delete the backups that no rule keeps, and free space
///
/// A backup is kept when any rule keeps it; with no rule at all every good backup is kept, and only leftovers are
/// removed. Rules are applied to each source on its own. Held backups, and the newest verified one, always stay.
/// Without `--yes` or `--apply DIGEST` the plan is printed and nothing is deleted (exit code 4).
#[derive(Debug, Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    narrowed: FilterArguments,

    #[command(flatten)]
    rules: KeepArguments,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Prune {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish()?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        let request = Request::Prune(request::Prune {
            filter: self.narrowed.filter()?,
            vault: self.narrowed.vault,
            ..self.rules.prune()?
        });
        Ok((request, Approval::needed("backup prune", self.approval)))
    }
}
