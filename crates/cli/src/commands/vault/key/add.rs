//! `ostler vault key add`

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use ostler_api::keys::{KeyAction, KeyChange};
use ostler_api::request::Request;
use ostler_vocabulary::Failure;

use crate::arguments::{path, target_path, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Let one more key open a vault
///
/// A new key file, a passphrase or recipients of age: each opens all of the vault alone, backups that were made before
/// too. Nothing is re-encrypted.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(crate) struct Add {
    /// Make a key file here; nothing may be there yet
    #[arg(long, value_name = "FILE", value_parser = path(), group = "what")]
    key: Option<PathBuf>,

    /// A file whose first line is the passphrase
    #[arg(long, value_name = "FILE", value_parser = path(), group = "what")]
    passphrase_file: Option<PathBuf>,

    /// A recipient of age; may be repeated, and each of their identities opens the vault
    #[arg(long, value_name = "RECIPIENT", value_parser = text(), group = "what")]
    age: Vec<String>,

    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    /// Print what would be done and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let absolute = |path: PathBuf| target_path(&path, &session.directory);
        let action = match (self.key, self.passphrase_file) {
            (Some(path), _) => KeyAction::AddKeyFile {
                path: absolute(path)?,
            },
            (None, Some(file)) => KeyAction::AddPassphrase {
                file: absolute(file)?,
            },
            (None, None) => KeyAction::AddAge { recipients: self.age },
        };
        let request = Request::Keys(KeyChange {
            vault: self.vault,
            action,
        });
        carry_out(session, request, Approval::looked_at(self.dry_run)).await
    }
}
