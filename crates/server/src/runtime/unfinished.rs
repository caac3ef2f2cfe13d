//! Vaults that an interrupted `vault init` left: the same command finishes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_store::Store;
use ostler_vault::{Protect, Unlock, Vault};
use ostler_vocabulary::Failure;

use super::{Runtime, first_use};
use crate::settings::edit::References;
use crate::settings::file;
use crate::settings::reference::Reference;

/// What a run of `vault init` is to make.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    pub(super) name: &'a str,
    pub(super) configured: &'a file::Vault,
    pub(super) protect: &'a [Protect],
    pub(super) key_file: Option<&'a Path>,
    pub(super) opened_by: &'a References,
    /// Whether the configuration has it.
    pub(super) is_configured: bool,
}

/// What may open a vault, with the key file that it was read from.
type Opening = (Option<PathBuf>, Vec<Unlock>);

impl Runtime {
    /// The vault that an earlier run of the same command made, with its key file where it belongs; `None` where there is no
    /// vault.
    ///
    /// # Errors
    /// When there is a vault that this command did not leave unfinished: one that its key does not open, that has backups, or
    /// to which nothing is missing.
    pub(super) async fn finish_init(
        &self,
        begun: &Begun<'_>,
        store: &Arc<dyn Store>,
    ) -> Result<Option<Vault>, Failure> {
        let exists = match Vault::require_vacant(store).await {
            Ok(()) => return Ok(None),
            Err(error @ ostler_vault::Error::VaultExists(_)) => Failure::from(error),
            Err(error) => return Err(error.into()),
        };
        let refused = match begun.when_there() {
            Some(hint) => exists.with_hint(hint),
            None => exists,
        };
        let lock = begun.configured.lock.map(|span| span.0);
        for (key, unlock) in self.openings(begun)? {
            let opened = Vault::open_locked(Arc::clone(store), &unlock, Arc::clone(&self.inner.clock), lock);
            let Ok(vault) = opened.await else { continue };
            let left = begun
                .key_file
                .zip(key.as_deref())
                .filter(|(path, key)| path != key);
            let is_unfinished = !begun.is_configured || left.is_some() || vault.last_probe().await?.is_none();
            if !is_unfinished || !vault.catalogue().await?.is_empty() {
                break;
            }
            if let Some((path, key)) = left {
                first_use::finish_key(key, path)?;
            }
            vault.probe().await?;
            return Ok(Some(vault));
        }
        Err(refused)
    }

    /// What the command opens a vault with that it made, each with its key file.
    fn openings(&self, begun: &Begun<'_>) -> Result<Vec<Opening>, Failure> {
        let settings = &self.inner.settings;
        let read = |what: &str, reference: &Reference| {
            reference.resolve(what, settings.base(), &settings.environment)
        };
        let mut ways = Vec::new();
        if let Some(path) = begun.key_file {
            let own = Some(path.to_owned()).filter(|path| path.exists());
            for file in own.into_iter().chain(first_use::unfinished_keys(path)) {
                let text = read("the key", &Reference::File(file.clone()))?;
                ways.push((Some(file), vec![Unlock::KeyFile(text)]));
            }
        }
        for protect in begun.protect {
            if let Protect::Passphrase(passphrase) = protect {
                ways.push((None, vec![Unlock::Passphrase(passphrase.clone())]));
            }
        }
        if let Some(reference) = &begun.opened_by.age_identity {
            let identity = read("the age identity", reference)?;
            ways.push((None, vec![Unlock::AgeIdentity(identity)]));
        }
        if begun.protect.is_empty() {
            ways.push((None, Vec::new()));
        }
        Ok(ways)
    }
}

impl Begun<'_> {
    /// How a vault that is there becomes known here.
    fn when_there(&self) -> Option<String> {
        let options = [
            ("--key", &self.opened_by.key),
            ("--passphrase-file", &self.opened_by.passphrase),
            ("--age-identity", &self.opened_by.age_identity),
        ];
        let options: String = options
            .into_iter()
            .filter_map(|(option, reference)| match reference {
                Some(Reference::File(path)) => Some(format!(" {option} {}", path.display())),
                _ => None,
            })
            .collect();
        (!self.is_configured).then(|| {
            format!(
                "to use the vault that is there: `ostler vault add {} --name {}{options}`; otherwise choose another place",
                self.configured.location, self.name
            )
        })
    }
}
