//! `ostler backup delete`

use clap::Args;
use ostler_api::request::{self, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, FilterArguments, backup};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Delete backups and free what only they need
///
/// Without `--yes` or `--apply DIGEST` the plan is printed and nothing is deleted (exit code 4). Floors hold here too:
/// of each source `keep.min_keep` good backups stay (1 if not configured), and the newest verified one.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Which: ids, unique prefixes, names, `latest` or `latest~N`
    #[arg(value_name = "BACKUP", required = true, value_parser = backup())]
    backups: Vec<String>,

    #[command(flatten)]
    narrowed: FilterArguments,

    /// Delete also what the floors keep: the last good backups of a source, and its newest verified one
    #[arg(long)]
    below_floors: bool,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Delete {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::Delete(request::Delete {
            filter: self.narrowed.filter()?,
            vault: self.narrowed.vault,
            backups: self.backups,
            min_keep: None,
            below_floors: self.below_floors,
        });
        carry_out(session, request, Approval::needed("backup delete", self.approval)).await
    }
}
