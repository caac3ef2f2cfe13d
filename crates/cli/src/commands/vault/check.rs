//! `ostler vault check`

use std::path::PathBuf;

use clap::Args;
use ostler_api::request::{CheckVault, RepairVault, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, path, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Check everything in a vault
///
/// Exits with 6 when anything is missing or wrong, and names the backups that are damaged by it. With `--repair` what can be
/// healed is healed first: the index is written anew, and lost chunks are stored again from what can still be read, from a
/// mirror, or from the files that were backed up. Nothing that may be the last of something is deleted.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The vault's name; the default vault if not given
    #[arg(value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    /// Read, decrypt and check every byte, not only presence and size
    #[arg(long)]
    read_data: bool,

    /// Heal what can be healed
    #[arg(long)]
    repair: bool,

    /// A vault with copies of backups, to take from it what is lost here
    #[arg(long, value_name = "VAULT", value_parser = text(), requires = "repair")]
    from: Option<String>,

    /// Files at or below this path are read again where they still hold what was backed up; may be repeated
    #[arg(long = "source", value_name = "PATH", value_parser = path(), requires = "repair")]
    sources: Vec<PathBuf>,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Check {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish(session)?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self, session: &Session) -> Result<(Request, Approval), Failure> {
        if self.repair {
            let sources = self.sources.iter().map(|path| session.target(path));
            let request = Request::RepairVault(RepairVault {
                vault: self.vault,
                read_data: self.read_data,
                from: self.from,
                sources: sources.collect::<Result<_, _>>()?,
            });
            return Ok((request, Approval::needed("vault check --repair", self.approval)));
        }
        let request = Request::CheckVault(CheckVault {
            vault: self.vault,
            read_data: self.read_data,
        });
        Ok((request, Approval::offered(self.approval)))
    }
}
