//! `ostler vault key rotate`

use clap::Args;
use ostler_api::keys::{KeyAction, KeyChange};
use ostler_api::request::Request;
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Encrypt what comes from now on with new secrets
///
/// The keys that open the vault stay as they are, and what is stored stays as it is. With `--compromised` everything
/// that is stored is re-encrypted too, and then the old secrets go; it can be interrupted, and goes on when it is run
/// again. Remove the key that leaked first. Without `--yes` or `--apply DIGEST` the plan is printed and nothing is done
/// (exit code 4).
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// A key has leaked: encrypt everything anew, and give up the old secrets
    #[arg(long)]
    compromised: bool,

    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    #[command(flatten)]
    approval: ApprovalArguments,
}

impl Rotate {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::Keys(KeyChange {
            vault: self.vault,
            action: KeyAction::Rotate {
                compromised: self.compromised,
            },
        });
        carry_out(
            session,
            request,
            Approval::needed("vault key rotate", self.approval),
        )
        .await
    }
}
