//! What opens a vault: its store, and its keys by reference.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use ostler_store::{Cache, CacheOptions, Limits, Location, Meters, Options, Store};
use ostler_vault::{Unlock, Vault};
use ostler_vocabulary::Failure;

use super::vaults::cannot_open;
use super::{Runtime, blocking, first_use};
use crate::Error;
use crate::settings::edit::References;
use crate::settings::environment as variable;
use crate::settings::file;
use crate::settings::reference::Reference;
use crate::settings::stores::Resolver;
use crate::settings::{is_location, refuse_password};

impl Runtime {
    pub(super) async fn store(&self, name: &str, vault: &file::Vault) -> Result<Arc<dyn Store>, Failure> {
        let settings = &self.inner.settings;
        refuse_password(
            &vault.location,
            &settings.config_file,
            &format!("vault.{name}.location"),
        )?;
        let attempted = format!("vault `{name}`: cannot open the store at {}", vault.location);
        let location: Location = vault
            .location
            .parse()
            .map_err(|error: ostler_store::Error| Failure::from(error).context(attempted.clone()))?;
        let meters = self.meters(name);
        let (runtime, name, vault) = (self.clone(), name.to_owned(), vault.clone());
        blocking(move || {
            let from = runtime.resolver(&name);
            let options = Options {
                s3: vault.s3.resolve(&from)?,
                azure: vault.azure.resolve(&from)?,
                gcs: vault.gcs.resolve(&from)?,
                sftp: vault.sftp.resolve(&from),
                retry: vault.retry.clone(),
            }
            .within(vault.timeout);
            let store = ostler_store::open_metered(&location, &options, &meters)
                .map_err(|error| Failure::from(error).context(attempted))?;
            Ok(runtime.cached_store(store, &location, &vault))
        })
        .await
    }

    /// What counts and limits the requests of a vault in this process.
    pub(crate) fn meters(&self, name: &str) -> Meters {
        let settings = &self.inner.settings;
        let mut meters = self.inner.meters.lock().unwrap_or_else(PoisonError::into_inner);
        meters
            .entry(name.to_owned())
            .or_insert_with(|| Meters {
                limits: Limits::new(settings.vault(name).map_or_else(
                    |_| settings.limits(&file::Vault::at(name)),
                    |vault| settings.limits(&vault),
                )),
                ..Meters::default()
            })
            .clone()
    }

    /// A store that is not on this machine, with copies of its small objects here. Not of keys: what was removed from
    /// the vault must be nowhere else.
    fn cached_store(
        &self,
        store: Arc<dyn Store>,
        location: &Location,
        vault: &file::Vault,
    ) -> Arc<dyn Store> {
        let settings = &self.inner.settings;
        let size = settings.file.cache.size;
        let is_remote = matches!(location, Location::Bucket { .. } | Location::Sftp(_));
        let Some(directory) = settings.cache_directory().filter(|_| is_remote && size.0 > 0) else {
            return store;
        };
        let endpoints = [&vault.s3.endpoint, &vault.azure.endpoint, &vault.gcs.endpoint];
        Arc::new(Cache::new(
            store,
            CacheOptions {
                directory: directory.join("objects"),
                size,
                store: format!("{location} {endpoints:?}"),
                // All of them are sealed, keys too.
                prefixes: ["index/", "backups/", "keys/"].map(str::to_owned).into(),
            },
        ))
    }

    /// Every way to open the vault that is configured, or else what the environment and the state directory have.
    pub(super) async fn unlock(&self, name: &str, vault: &file::Vault) -> Result<Vec<Unlock>, Failure> {
        let (runtime, name, vault) = (self.clone(), name.to_owned(), vault.clone());
        blocking(move || Ok(runtime.keys_of(&name, &vault)?)).await
    }

    /// Opens a vault in its store. One that is not encrypted is refused where a key for it is known.
    pub(super) async fn unlocked(
        &self,
        name: &str,
        vault: &file::Vault,
        store: Arc<dyn Store>,
        unlock: &[Unlock],
    ) -> Result<Vault, Failure> {
        let lock = vault.lock.map(|span| span.0);
        let opened = Vault::open_locked(store, unlock, Arc::clone(&self.inner.clock), lock).await;
        opened.map_err(|error| {
            let hint = match &error {
                ostler_vault::Error::NotEncrypted(_) => Some(self.when_unencrypted(name, vault)),
                ostler_vault::Error::KeyNeeded { .. } if vault.encryption.is_some() => Some(format!(
                    "take `encryption = \"none\"` out of [vault.{name}], and name its key there"
                )),
                ostler_vault::Error::NoVault(_)
                    if name == "default" && self.inner.settings.file.vault.contains_key(name) =>
                {
                    Some("make it: `ostler vault init`".to_owned())
                }
                _ => None,
            };
            let failure = cannot_open(name, &vault.location, error);
            match hint {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        })
    }

    /// What to do about a vault that is not encrypted although a key for it is known here.
    fn when_unencrypted(&self, name: &str, vault: &file::Vault) -> String {
        let settings = &self.inner.settings;
        let (table, line) = match is_location(name) {
            true => (
                "NAME",
                format!("`location = \"{name}\"` and `encryption = \"none\"`"),
            ),
            false => (name, "`encryption = \"none\"`".to_owned()),
        };
        let file = settings.config_file.display();
        let remedy = match (References::of(vault).opens(), self.first_use_keys(name).first()) {
            (true, _) => format!("take the key out of [vault.{name}] of {file}, and write {line} there"),
            (false, Some(key)) => format!(
                "move {} away and write {line} in [vault.{name}] of {file}",
                key.display()
            ),
            (false, None) => format!("write {line} in [vault.{table}] of {file}"),
        };
        format!(
            "if it was encrypted before, the store has replaced `vault.json`: store nothing there; if it is unencrypted on \
             purpose, {remedy}"
        )
    }

    /// Refuses a vault that the configuration, or a key file, would not let open again.
    pub(super) fn refuse_contradiction(
        &self,
        name: &str,
        configured: &file::Vault,
        opened_by: &References,
    ) -> Result<(), Error> {
        let settings = &self.inner.settings;
        let wrong = |reason: &str, cure: String| Error::Setting {
            file: settings.config_file.display().to_string(),
            key: format!("vault.{name}"),
            reason: reason.to_owned(),
            cure,
        };
        match (opened_by.encryption, self.first_use_keys(name).first()) {
            (None, _) if configured.encryption.is_some() => Err(wrong(
                "it is configured as unencrypted",
                "give --unencrypted, or take out `encryption = \"none\"`".to_owned(),
            )),
            (Some(_), _) if References::of(configured).opens() => Err(wrong(
                "a key is configured for it",
                "take the key out, or leave out --unencrypted".to_owned(),
            )),
            (Some(_), Some(key)) => Err(wrong(
                "a key file for it is there, so an unencrypted one would be refused",
                format!(
                    "move {} away, give another name, or leave out --unencrypted",
                    key.display()
                ),
            )),
            _ => Ok(()),
        }
    }

    fn resolver(&self, vault: &str) -> Resolver<'_> {
        let settings = &self.inner.settings;
        Resolver {
            whose: format!("vault `{vault}`"),
            base: settings.base(),
            environment: &settings.environment,
        }
    }

    fn keys_of(&self, name: &str, vault: &file::Vault) -> Result<Vec<Unlock>, Error> {
        let settings = &self.inner.settings;
        let from = self.resolver(name);
        let resolve = |key: &str, reference: &Reference| from.secret(key, reference);
        let mut keys = Vec::new();
        if let Some(reference) = &vault.key {
            keys.push(Unlock::KeyFile(resolve("key", reference)?));
        }
        if let Some(reference) = &vault.passphrase {
            keys.push(Unlock::Passphrase(resolve("passphrase", reference)?));
        }
        if let Some(reference) = &vault.age_identity {
            keys.push(Unlock::AgeIdentity(resolve("age_identity", reference)?));
        }
        if !keys.is_empty() {
            return Ok(keys);
        }
        // Its configuration says that they are not for it.
        let variable = |name| {
            settings
                .environment
                .get(name)
                .filter(|_| vault.encryption.is_none())
        };
        let file = |name| variable(name).map(|path| Reference::File(path.into()));
        if let Some(reference) = file(variable::KEY_FILE) {
            keys.push(Unlock::KeyFile(resolve("key", &reference)?));
        }
        if let Some(reference) = file(variable::AGE_IDENTITY_FILE) {
            keys.push(Unlock::AgeIdentity(resolve("age identity", &reference)?));
        }
        if let Some(reference) = file(variable::PASSPHRASE_FILE) {
            keys.push(Unlock::Passphrase(resolve("passphrase", &reference)?));
        } else if variable(variable::PASSPHRASE).is_some() {
            let reference = Reference::Env(variable::PASSPHRASE.to_owned());
            keys.push(Unlock::Passphrase(resolve("passphrase", &reference)?));
        }
        for path in self.first_use_keys(name) {
            keys.push(Unlock::KeyFile(resolve("key", &Reference::File(path))?));
        }
        Ok(keys)
    }

    /// The key files in the state directory that are for the vault of this name.
    fn first_use_keys(&self, name: &str) -> Vec<PathBuf> {
        match is_location(name) {
            true => Vec::new(),
            false => first_use::key_files(&self.inner.settings, name),
        }
    }
}
