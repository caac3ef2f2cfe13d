//! What opens a vault: listed, changed, written on a sheet.

use std::path::PathBuf;
use std::sync::Arc;

use ostler_api::document::{KeyEpoch, KeyList};
use ostler_api::keys::KeyAction;
use ostler_api::request::{Plan, Request};
use ostler_backup::keys::{self, Material};
use ostler_vault::{Unlock, Vault};
use ostler_vocabulary::{ErrorKind, Failure, Secret, Timestamp, VaultId};

use super::vaults::cannot_open;
use super::{Runtime, blocking, first_use, places};
use crate::Error;
use crate::settings::is_location;
use crate::settings::reference::Reference;

/// What is written on a recovery sheet. It holds the key.
#[derive(Debug, Clone)]
pub struct KeySheet {
    /// The vault's name on this machine.
    pub vault: String,
    /// The vault's id.
    pub id: VaultId,
    /// Where it is, without secrets.
    pub location: String,
    /// The key: the line of the key file that is no comment.
    pub key: Secret,
    /// When the sheet was made.
    pub made: Timestamp,
}

impl Runtime {
    pub(super) async fn key_list(&self, vault: Option<&str>) -> Result<KeyList, Failure> {
        let opened = self.opened(vault).await?;
        let context = self.context(&opened, false);
        let vault = &opened.vault;
        let index = vault.index(false).await;
        let index = index.map_err(context.attempting("read its index"))?;
        let bytes = index.bytes_by_epoch()?;
        let given_up = vault.giving_up().unwrap_or(0);
        let encrypted = vault.encryption() != "none";
        let state = |number| match number {
            _ if number < given_up => "leaked",
            _ if number == vault.current_epoch() => "current",
            _ => "old",
        };
        let epochs = vault.epochs().into_iter().filter(|_| encrypted);
        Ok(KeyList {
            vault: opened.name.clone(),
            epoch: vault.current_epoch(),
            bytes: index.bytes(),
            old_bytes: index.bytes_before(given_up)?,
            keys: keys::entries(&context).await?,
            epochs: epochs
                .map(|epoch| KeyEpoch {
                    number: epoch.number,
                    made: epoch.made,
                    state: state(epoch.number).to_owned(),
                    bytes: bytes.get(&epoch.number).copied().unwrap_or(0),
                })
                .collect(),
        })
    }

    /// The secrets that a change of keys needs, by reference.
    pub(super) async fn material(&self, plan: &Plan) -> Result<Material, Failure> {
        let file = match &plan.request {
            Request::Keys(change) => match &change.action {
                KeyAction::AddPassphrase { file } => Some(file.clone()),
                _ => None,
            },
            _ => None,
        };
        Ok(Material {
            passphrase: match file {
                Some(file) => Some(self.first_line(&file).await?),
                None => None,
            },
            write_private: places::write_private,
        })
    }

    /// A sheet with the key of a vault: `key_file`, or the one that this machine uses. It is looked whether it opens
    /// the vault.
    ///
    /// # Errors
    /// When there is no key file, or it does not open the vault.
    pub async fn key_sheet(
        &self,
        vault: Option<&str>,
        key_file: Option<PathBuf>,
    ) -> Result<KeySheet, Failure> {
        let name = self.present_vault(vault);
        let settings = &self.inner.settings;
        let configured = settings.vault(&name)?;
        let references: Vec<Reference> = match (key_file, &configured.key) {
            (Some(path), _) => vec![Reference::File(path)],
            (None, Some(reference)) => vec![reference.clone()],
            (None, None) if !is_location(&name) => first_use::key_files(settings, &name)
                .into_iter()
                .map(Reference::File)
                .collect(),
            (None, None) => Vec::new(),
        };
        let texts = {
            let settings = settings.clone();
            blocking(move || {
                let resolved = references
                    .iter()
                    .map(|reference| reference.resolve("the key", settings.base(), &settings.environment));
                Ok(resolved.collect::<Result<Vec<_>, _>>()?)
            })
            .await?
        };
        if texts.is_empty() {
            return Err(Error::Request {
                message: format!("vault `{name}` has no key file on this machine"),
                kind: ErrorKind::NotFound,
                hint: Some(
                    "name one with --key, or make one: `ostler vault key add --key FILE`; a sheet holds key files only"
                        .to_owned(),
                ),
            }
            .into());
        }
        let store = self.store(&name, &configured).await?;
        let mut wrong = None;
        for text in texts {
            let unlock = [Unlock::KeyFile(text.clone())];
            let opened = Vault::open(Arc::clone(&store), &unlock, Arc::clone(&self.inner.clock)).await;
            match opened {
                Ok(vault) => {
                    let mut lines = text.reveal().lines().map(str::trim);
                    let key = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
                    return Ok(KeySheet {
                        vault: name,
                        id: vault.id(),
                        location: configured.location,
                        key: Secret::new(key.unwrap_or_default()),
                        made: self.inner.clock.now(),
                    });
                }
                Err(error) => wrong = Some(cannot_open(&name, &configured.location, error)),
            }
        }
        Err(wrong.unwrap_or_else(|| Failure::new(ErrorKind::Internal, "no key was tried")))
    }

    /// Puts a key that was typed in where the vault of this name looks for it.
    pub(super) async fn keep_key(&self, name: &str, key: &Secret) -> Result<PathBuf, Failure> {
        let path = self.inner.settings.implicit_key(name);
        let key = key.clone();
        blocking(move || {
            if let Some(directory) = path.parent() {
                places::make_private(directory)?;
            }
            let text = format!("{}\n", key.reveal().trim());
            places::write_private(&path, &text).map_err(|source| Error::Write {
                what: "the key file",
                path: path.clone(),
                source,
            })?;
            Ok(path)
        })
        .await
    }
}
