//! Vaults by name: opened, made, added, described.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use ostler_api::document::{KeySummary, VaultInfo, VaultSummary};
use ostler_vault::{InitOptions, Protect, Vault};
use ostler_vocabulary::{ErrorKind, Failure, Secret};

use super::{Runtime, blocking, first_use, places};
use crate::Error;
use crate::settings::edit::NewVault;
use crate::settings::file;
use crate::settings::is_location;
use crate::settings::reference::Reference;

/// An open vault with what its name means.
#[derive(Debug)]
pub struct Opened {
    /// Its name in the configuration, or its location.
    pub name: String,
    /// Where it is, without secrets.
    pub location: String,
    /// Its directory, when it is on this machine.
    pub directory: Option<PathBuf>,
    /// The vault.
    pub vault: Arc<Vault>,
    /// The key file that was made just now, which the user has to be told of.
    pub new_key: Option<PathBuf>,
}

/// A vault to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitVault {
    /// Its name in the configuration; `None` is the default vault.
    pub name: Option<String>,
    /// A directory or URL; `None` is what the configuration says of the name.
    pub location: Option<String>,
    /// Where the key file is written; `None` is a place in the state directory.
    pub key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase that protects the key, instead of a key file.
    pub passphrase_file: Option<PathBuf>,
    /// The age recipients that protect the key, instead of a key file.
    pub age_recipients: Vec<String>,
    /// `none` for an unencrypted vault; `None` takes the cipher that is fastest here.
    pub encryption: Option<String>,
}

/// A vault that exists and becomes known to this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddVault {
    /// Its name in the configuration; `None` derives one from the location.
    pub name: Option<String>,
    /// A directory or URL.
    pub location: String,
    /// The key file or age identity that opens it.
    pub key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase that opens it.
    pub passphrase_file: Option<PathBuf>,
}

impl Runtime {
    pub(super) fn vault_name(&self, name: Option<&str>) -> String {
        name.unwrap_or(&self.inner.settings.file.defaults.vault)
            .to_owned()
    }

    /// The vault of this name, opened once.
    pub(super) async fn opened(&self, name: Option<&str>) -> Result<Arc<Opened>, Failure> {
        let name = self.vault_name(name);
        if let Some(opened) = self.cached(&name) {
            return Ok(opened);
        }
        let configured = self.inner.settings.vault(&name)?;
        let store = self.store(&name, &configured).await?;
        let unlock = self.unlock(&name, &configured).await?;
        let vault = Vault::open(store, &unlock, Arc::clone(&self.inner.clock))
            .await
            .map_err(|error| cannot_open(&name, &configured.location, error.into()))?;
        Ok(self.keep(&name, &configured.location, vault, None))
    }

    fn cached(&self, name: &str) -> Option<Arc<Opened>> {
        let vaults = self.inner.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        vaults.get(name).cloned()
    }

    pub(super) fn keep(
        &self,
        name: &str,
        location: &str,
        vault: Vault,
        new_key: Option<PathBuf>,
    ) -> Arc<Opened> {
        let opened = Arc::new(Opened {
            name: name.to_owned(),
            location: location.to_owned(),
            directory: places::local_directory(location),
            vault: Arc::new(vault),
            new_key,
        });
        let mut vaults = self.inner.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(vaults.entry(name.to_owned()).or_insert(opened))
    }

    pub(super) async fn init(&self, request: InitVault) -> Result<VaultInfo, Failure> {
        let settings = &self.inner.settings;
        let name = self.vault_name(request.name.as_deref());
        let mut configured = match (&request.location, settings.vault(&name)) {
            (None, known) => known?,
            (Some(location), _) if !settings.file.vault.contains_key(&name) => file::Vault::at(location),
            (Some(location), Ok(known)) if known.location == *location => known,
            (Some(_), _) => {
                return Err(Error::Setting {
                    file: settings.config_file.display().to_string(),
                    key: format!("vault.{name}"),
                    reason: "a vault of this name is configured elsewhere".to_owned(),
                    cure: "give another name".to_owned(),
                }
                .into());
            }
        };
        if places::local_directory(&configured.location).is_some() {
            let absolute = std::path::absolute(&configured.location).unwrap_or_default();
            configured.location = absolute.to_string_lossy().into_owned();
        }
        let protect = self.protections(&request).await?;
        let key_file = protect.iter().any(|p| matches!(p, Protect::KeyFile)).then(|| {
            // Where the configuration will look for it, unless somebody says otherwise.
            let expected = match &configured.key {
                Some(Reference::File(path)) => Some(settings.base().join(path)),
                _ => None,
            };
            let asked = request.key_file.clone().or(expected);
            asked.unwrap_or_else(|| settings.implicit_key(&name))
        });
        let store = self.store(&name, &configured).await?;
        let options = InitOptions {
            protect,
            clock: Arc::clone(&self.inner.clock),
        };
        let vault = first_use::init(store, options, key_file.as_deref())
            .await
            .map_err(|failure| failure.context(format!("cannot make vault `{name}`")))?;
        let is_implicit =
            name == "default" && configured.location == settings.implicit_vault().to_string_lossy();
        if !settings.file.vault.contains_key(&name) && !is_implicit && !is_location(&name) {
            settings.add_vault(&NewVault {
                name: name.clone(),
                location: configured.location.clone(),
                key: key_file.clone().map(absolute_reference),
                passphrase: request.passphrase_file.clone().map(absolute_reference),
                age_identity: None,
            })?;
        }
        let opened = self.keep(&name, &configured.location, vault, key_file.clone());
        self.vault_info(&opened, key_file).await
    }

    async fn protections(&self, request: &InitVault) -> Result<Vec<Protect>, Failure> {
        match request.encryption.as_deref() {
            Some("none") => return Ok(Vec::new()),
            Some(cipher) => {
                return Err(Error::Request {
                    message: format!("the cipher `{cipher}` cannot be chosen"),
                    kind: ErrorKind::Unsupported,
                    hint: Some(
                        "leave it out: the cipher that is fastest here is taken; or say `none`".to_owned(),
                    ),
                }
                .into());
            }
            None => {}
        }
        let mut protect = Vec::new();
        if let Some(path) = &request.passphrase_file {
            protect.push(Protect::Passphrase(self.first_line(path).await?));
        }
        if !request.age_recipients.is_empty() {
            protect.push(Protect::AgeRecipients(request.age_recipients.clone()));
        }
        if protect.is_empty() || request.key_file.is_some() {
            protect.push(Protect::KeyFile);
        }
        Ok(protect)
    }

    async fn first_line(&self, path: &Path) -> Result<Secret, Failure> {
        let settings = self.inner.settings.clone();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        blocking(move || {
            let text =
                Reference::File(path).resolve("the passphrase", settings.base(), &settings.environment)?;
            Ok(Secret::new(text.reveal().lines().next().unwrap_or_default()))
        })
        .await
    }

    pub(super) async fn add(&self, request: AddVault) -> Result<VaultInfo, Failure> {
        let settings = &self.inner.settings;
        let location = match places::local_directory(&request.location) {
            Some(directory) => std::path::absolute(&directory)
                .unwrap_or(directory)
                .to_string_lossy()
                .into_owned(),
            None => request.location.clone(),
        };
        // On a new machine the only vault is the one that is meant when none is named.
        let name = match &request.name {
            Some(name) => name.clone(),
            None if self.makes_default(None) => "default".to_owned(),
            None => name_from(&location),
        };
        let mut new = NewVault {
            name: name.clone(),
            location: location.clone(),
            key: None,
            passphrase: request.passphrase_file.map(absolute_reference),
            age_identity: None,
        };
        if let Some(path) = request.key_file {
            let reference = absolute_reference(path);
            let text = reference.resolve("the key", settings.base(), &settings.environment)?;
            if text.reveal().contains("AGE-SECRET-KEY-") {
                new.age_identity = Some(reference);
            } else {
                new.key = Some(reference);
            }
        }
        let configured = file::Vault {
            key: new.key.clone(),
            passphrase: new.passphrase.clone(),
            age_identity: new.age_identity.clone(),
            ..file::Vault::at(&location)
        };
        let store = self.store(&name, &configured).await?;
        let unlock = self.unlock(&name, &configured).await?;
        let vault = Vault::open(store, &unlock, Arc::clone(&self.inner.clock))
            .await
            .map_err(|error| cannot_open(&name, &location, error.into()))?;
        settings.add_vault(&new)?;
        let opened = self.keep(&name, &location, vault, None);
        self.vault_info(&opened, None).await
    }

    pub(super) fn vault_summary(&self, name: &str) -> Result<VaultSummary, Failure> {
        let settings = &self.inner.settings;
        Ok(VaultSummary {
            name: name.to_owned(),
            location: settings.vault(name)?.location,
            default: settings.file.defaults.vault == name,
        })
    }

    pub(super) async fn vault_info(
        &self,
        opened: &Opened,
        key_file: Option<PathBuf>,
    ) -> Result<VaultInfo, Failure> {
        let attempting = |what: &str| {
            let message = format!("vault `{}`: cannot {what}", opened.name);
            move |error: ostler_vault::Error| Failure::from(error).context(message)
        };
        let vault = &opened.vault;
        let context = self.context(opened, false);
        let mut backups = BTreeMap::new();
        for backup in context.backups().await? {
            *backups.entry(backup.state().as_str().to_owned()).or_default() += 1;
        }
        let index = vault.index(false).await.map_err(attempting("read its index"))?;
        let wrappers = vault.wrappers().await.map_err(attempting("list its keys"))?;
        let mut warnings = Vec::new();
        if vault.encryption() == "none" {
            warnings
                .push("this vault is not encrypted: whoever can read it can read what is in it".to_owned());
        }
        if let Some(path) = &key_file {
            warnings.push(first_use::copy_away(path));
        }
        let configured_key = match self.inner.settings.vault(&opened.name).ok().and_then(|v| v.key) {
            Some(Reference::File(path)) => Some(self.inner.settings.base().join(path)),
            _ => first_use::key_file_of(&self.inner.settings, &opened.name, vault.id()),
        };
        Ok(VaultInfo {
            summary: VaultSummary {
                name: opened.name.clone(),
                location: opened.location.clone(),
                default: self.inner.settings.file.defaults.vault == opened.name,
            },
            id: vault.id(),
            format: 1,
            created: vault.created(),
            encryption: vault.encryption().to_owned(),
            keys: wrappers
                .into_iter()
                .map(|wrapper| KeySummary {
                    id: wrapper.id,
                    kind: wrapper.kind.replace('_', " "),
                    created: wrapper.created,
                })
                .collect(),
            key_file: key_file.or(configured_key),
            backups,
            packs: index.packs() as u64,
            bytes: index.bytes(),
            chunks: index.chunks() as u64,
            warnings,
        })
    }
}

fn absolute_reference(path: PathBuf) -> Reference {
    Reference::File(std::path::absolute(&path).unwrap_or(path))
}

fn cannot_open(name: &str, location: &str, failure: Failure) -> Failure {
    let is_missing = failure.kind() == ErrorKind::NotFound;
    let failure = failure.context(format!("cannot open vault `{name}` at {location}"));
    match is_missing {
        true if name == "default" => {
            failure.with_hint("`ostler backup create PATH` makes it, with the first backup")
        }
        true => failure.with_hint(format!("make it: `ostler vault init --name {name}`")),
        false => failure,
    }
}

/// A name from the last part of a location.
fn name_from(location: &str) -> String {
    let last = location
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let name: String = last
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
                c
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() { "vault".to_owned() } else { name }
}
