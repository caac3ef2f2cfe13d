//! `ostler backup list`

use clap::Args;
use ostler_api::request::Filter;
use ostler_vocabulary::Failure;

use crate::arguments::{FilterArguments, describe};
use crate::error::CommandError;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// List the backups of all configured vaults, newest first
///
/// A backup that was mirrored is listed once for each vault it is in. `--vault` lists one vault only. Running, incomplete and damaged ones are listed too; the state says which can be restored without a flag.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    narrowed: FilterArguments,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let filter = self.narrowed.filter()?;
        let client = session.client().await?;
        let list = client.backups(self.narrowed.vault.as_deref(), &filter).await?;
        if list.backups.is_empty() && filter != Filter::default() && list.unreachable.is_empty() {
            return Err(CommandError::NothingMatches {
                vault: list.vault,
                filter: describe(&filter),
            }
            .into());
        }
        if list.backups.is_empty() && list.unreachable.is_empty() {
            session.output.note(&format!(
                "vault `{}` has no backups yet; make one with `ostler backup create PATH`",
                list.vault
            ));
        }
        let now = session.now();
        session.output.document(schema::BACKUP_LIST, &list, |page| {
            report::backup::list(page, &list, now)
        })?;
        match list.unreachable.first() {
            None => Ok(()),
            Some(first) => Err(CommandError::VaultUnreachable {
                vault: first.path.clone(),
                reason: first.reason.clone(),
            }
            .into()),
        }
    }
}
