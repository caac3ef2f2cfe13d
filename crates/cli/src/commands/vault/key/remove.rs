//! `ostler vault key remove`

use clap::Args;
use ostler_api::keys::{KeyAction, KeyChange};
use ostler_api::request::Request;
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Take a key away: it does not open the vault any more
///
/// The last one stays. It revokes nothing where somebody copied both the key and the vault's folder keys/: for that,
/// `ostler vault key rotate --compromised` encrypts everything anew. Without `--yes` or `--apply DIGEST` the plan is
/// printed and nothing is done (exit code 4).
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The key's id, or a unique prefix of it; `ostler vault key list` shows it
    #[arg(value_name = "KEY", value_parser = text())]
    key: String,

    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::Keys(KeyChange {
            vault: self.vault,
            action: KeyAction::Remove { key: self.key },
        });
        carry_out(
            session,
            request,
            Approval::needed("vault key remove", self.approval),
        )
        .await
    }
}
