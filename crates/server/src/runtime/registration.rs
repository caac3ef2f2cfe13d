//! Vaults made and added, and their entries in the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_api::document::VaultInfo;
use ostler_api::vault::{Encryption, NewVault};
use ostler_operations::kill::{Moment, point};
use ostler_vault::{InitOptions, Protect, Unlock, Vault};
use ostler_vocabulary::{ErrorKind, Failure, Secret};

use super::unfinished::Begun;
use super::{Runtime, blocking, first_use, places, probing};
use crate::Error;
use crate::settings::edit::{Applied, Change, References, VaultEntry};
use crate::settings::environment as variable;
use crate::settings::reference::Reference;
use crate::settings::{file, is_location};

/// A vault to be made, with what only this machine has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitVault {
    /// What anybody can ask for.
    pub vault: NewVault,
    /// Where the key file is written; `None` is a place in the state directory.
    pub key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase that protects the key, instead of a key file.
    pub passphrase_file: Option<PathBuf>,
    /// A file with an age identity that opens the vault on this machine. Alone it also says for which recipients.
    pub age_identity: Option<PathBuf>,
}

impl From<NewVault> for InitVault {
    fn from(vault: NewVault) -> Self {
        Self {
            vault,
            ..Self::default()
        }
    }
}

/// A vault that exists and becomes known to this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddVault {
    /// Its name in the configuration; `None` derives one from the location.
    pub name: Option<String>,
    /// A directory or URL.
    pub location: String,
    /// The key file, or age identity, that opens it.
    pub key_file: Option<PathBuf>,
    /// A file with an age identity that opens it.
    pub age_identity: Option<PathBuf>,
    /// A file whose first line is the passphrase that opens it.
    pub passphrase_file: Option<PathBuf>,
    /// The text of a key file, typed in from a recovery sheet; it is kept where the vault's key file is looked for.
    pub typed_key: Option<TypedKey>,
}

/// A key that somebody typed; two are the same when their texts are.
#[derive(Debug, Clone)]
pub struct TypedKey(pub Secret);

impl PartialEq for TypedKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.reveal() == other.0.reveal()
    }
}

impl Eq for TypedKey {}

impl Runtime {
    pub(super) async fn init(&self, mut request: InitVault) -> Result<VaultInfo, Failure> {
        let settings = &self.inner.settings;
        let name = self.vault_name(request.vault.name.as_deref());
        let mut configured = match (&request.vault.location, settings.vault(&name)) {
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
        self.recipients(&mut request).await?;
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
        let opened_by = References {
            key: key_file.clone().map(absolute_reference),
            passphrase: request.passphrase_file.clone().map(absolute_reference),
            age_identity: request.age_identity.clone().map(absolute_reference),
            encryption: (request.vault.encryption == Encryption::None).then_some(file::Encryption::None),
        };
        self.refuse_contradiction(&name, &configured, &opened_by)?;
        // Before anything is made: whether it can be named is known then.
        let entry = self.entry(&name, &configured, &opened_by, key_file.as_deref())?;
        let store = self.store(&name, &configured).await?;
        let cannot = |failure: Failure| {
            failure.context(format!("cannot make vault `{name}` at {}", configured.location))
        };
        let begun = Begun {
            name: &name,
            configured: &configured,
            protect: &protect,
            key_file: key_file.as_deref(),
            opened_by: &opened_by,
            is_configured: entry.is_none(),
        };
        let left = self.finish_init(&begun, &store).await.map_err(cannot)?;
        point(Moment::Before, "configure vault");
        // Known before it is made: what an interrupted run leaves is then never taken for no vault at all.
        let is_new = entry.is_some();
        let applied = entry.map(Change::apply).transpose()?;
        point(Moment::Before, "make vault");
        let options = InitOptions {
            protect,
            clock: Arc::clone(&self.inner.clock),
        };
        let lock = configured.lock.map(|span| span.0);
        let made = match left {
            Some(vault) => Ok(vault),
            None => {
                let make = async {
                    let (found, writers) = probing::look(&store, lock.is_some()).await?;
                    let how = (writers, lock);
                    let encryption = request.vault.encryption;
                    let vault = first_use::init(store, options, encryption, how, key_file.as_deref()).await?;
                    vault.keep_probe(found).await?;
                    Ok::<Vault, Failure>(vault)
                };
                make.await.map_err(cannot)
            }
        };
        let vault = match made {
            Ok(vault) => vault,
            Err(failure) => {
                if let Some(Err(error)) = applied.map(Applied::undo) {
                    tracing::warn!("vault `{name}` is configured and not made: {error}");
                }
                return Err(failure);
            }
        };
        if is_new {
            self.read_again().await?;
        }
        let opened = self.keep(&name, &configured.location, vault, key_file.clone());
        let mut info = self.vault_info(&opened, key_file).await?;
        let asks_environment = settings.environment.get(variable::AGE_IDENTITY_FILE).is_some();
        if opened_by.is_empty() && !request.vault.age_recipients.is_empty() && !asks_environment {
            info.warnings.push(format!(
                "nothing here opens this vault again: `ostler vault add {} --name {name} --age-identity FILE` does \
                 that",
                configured.location
            ));
        }
        Ok(info)
    }

    /// Makes a vault for somebody who may be on another machine.
    pub(super) async fn make(&self, vault: NewVault) -> Result<VaultInfo, Failure> {
        let wrong =
            |message: String, hint: &str| Err(Failure::new(ErrorKind::Invalid, message).with_hint(hint));
        match (&vault.name, &vault.location) {
            (Some(name), _) if is_location(name) => wrong(
                format!("`{name}` is no name of a vault"),
                "letters, digits, `-`, `_` and `.` make one",
            ),
            (_, Some(place)) if !place.starts_with('/') && !place.contains("://") => wrong(
                format!("`{place}` is no place for a vault"),
                "name a directory of the server's machine in full, or an address such as s3://bucket/prefix",
            ),
            _ => self.init(vault.into()).await,
        }
    }

    /// What the configuration has to be told of a new vault; `None` when it knows.
    fn entry(
        &self,
        name: &str,
        configured: &file::Vault,
        opened_by: &References,
        key_file: Option<&Path>,
    ) -> Result<Option<Change>, Failure> {
        let settings = &self.inner.settings;
        let is_implicit =
            name == "default" && configured.location == settings.implicit_vault().to_string_lossy();
        let is_key_implicit = key_file.is_none_or(|file| file == settings.implicit_key(name));
        let opens_by_itself = is_key_implicit
            && opened_by.passphrase.is_none()
            && opened_by.age_identity.is_none()
            && opened_by.encryption.is_none();
        let is_told_already = match settings.file.vault.get(name).map(References::of) {
            Some(known) => opens_by_itself || !known.is_empty(),
            None => opens_by_itself && is_implicit,
        };
        if is_location(name) || is_told_already {
            return Ok(None);
        }
        let entry = VaultEntry {
            name: name.to_owned(),
            location: configured.location.clone(),
            opened_by: opened_by.clone(),
        };
        Ok(Some(settings.with_vault(&entry)?))
    }

    /// Looks whether identity and recipients belong together; an identity alone stands for its own recipients.
    async fn recipients(&self, request: &mut InitVault) -> Result<(), Failure> {
        let Some(path) = request.age_identity.clone() else {
            return Ok(());
        };
        let settings = self.inner.settings.clone();
        let reference = absolute_reference(path.clone());
        let own = blocking(move || {
            let text = reference.resolve("the age identity", settings.base(), &settings.environment)?;
            Ok(ostler_vault::age_recipients(&text)?)
        })
        .await
        .map_err(|failure| failure.context(format!("cannot use the age identity in {}", path.display())))?;
        if request.vault.age_recipients.is_empty() {
            request.vault.age_recipients = own;
        } else if !own.iter().any(|one| request.vault.age_recipients.contains(one)) {
            return Err(Error::Request {
                message: format!(
                    "the age identity in {} is of none of the recipients",
                    path.display()
                ),
                kind: ErrorKind::Invalid,
                hint: Some(format!(
                    "give its own recipient too: --age {}",
                    own.join(" --age ")
                )),
            }
            .into());
        }
        Ok(())
    }

    async fn protections(&self, request: &InitVault) -> Result<Vec<Protect>, Failure> {
        if request.vault.encryption == Encryption::None {
            return Ok(Vec::new());
        }
        let mut protect = Vec::new();
        if let Some(path) = &request.passphrase_file {
            protect.push(Protect::Passphrase(self.first_line(path).await?));
        }
        if !request.vault.age_recipients.is_empty() {
            protect.push(Protect::AgeRecipients(request.vault.age_recipients.clone()));
        }
        if protect.is_empty() || request.key_file.is_some() {
            protect.push(Protect::KeyFile);
        }
        Ok(protect)
    }

    pub(super) async fn first_line(&self, path: &Path) -> Result<Secret, Failure> {
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
        let mut opened_by = References {
            key: None,
            passphrase: request.passphrase_file.map(absolute_reference),
            age_identity: request.age_identity.map(absolute_reference),
            encryption: None,
        };
        if let Some(path) = request.key_file {
            let reference = absolute_reference(path);
            let text = reference.resolve("the key", settings.base(), &settings.environment)?;
            if text.reveal().contains("AGE-SECRET-KEY-") {
                opened_by.age_identity = Some(reference);
            } else {
                opened_by.key = Some(reference);
            }
        }
        // How its service is reached may be configured already.
        let known = settings
            .file
            .vault
            .get(&name)
            .filter(|known| known.location == location);
        let configured = file::Vault {
            key: opened_by.key.clone(),
            passphrase: opened_by.passphrase.clone(),
            age_identity: opened_by.age_identity.clone(),
            ..known.cloned().unwrap_or_else(|| file::Vault::at(&location))
        };
        let store = self.store(&name, &configured).await?;
        let unlock = match &request.typed_key {
            Some(typed) => vec![Unlock::KeyFile(typed.0.clone())],
            None => self.unlock(&name, &configured).await?,
        };
        let vault = self.unlocked(&name, &configured, store, &unlock).await?;
        if let Some(typed) = &request.typed_key {
            self.keep_key(&name, &typed.0).await?;
        }
        if vault.encryption() == "none" && known.is_none_or(|known| known.encryption.is_none()) {
            opened_by.encryption = Some(file::Encryption::None);
        }
        let entry = settings.with_vault(&VaultEntry {
            name: name.clone(),
            location: location.clone(),
            opened_by,
        })?;
        entry.apply()?;
        let opened = self.keep(&name, &location, vault, None);
        self.vault_info(&opened, None).await
    }
}

fn absolute_reference(path: PathBuf) -> Reference {
    Reference::File(std::path::absolute(&path).unwrap_or(path))
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
