//! `ostler vault check`

use clap::Args;
use ostler_api::request::{CheckVault, Request};
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Check everything in a vault
///
/// Exits with 6 when anything is missing or wrong, and names the backups that are damaged by it.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The vault's name; the default vault if not given
    #[arg(value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    /// Read, decrypt and check every byte, not only presence and size
    #[arg(long)]
    read_data: bool,
}

impl Check {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::CheckVault(CheckVault {
            vault: self.vault,
            read_data: self.read_data,
        });
        carry_out(session, request, Approval::none()).await
    }
}
