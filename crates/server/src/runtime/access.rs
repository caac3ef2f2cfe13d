//! What opens a vault: its store, and its keys by reference.

use std::sync::{Arc, PoisonError};

use ostler_store::{Cache, CacheOptions, Limits, Location, Meters, Options, Store};
use ostler_vault::Unlock;
use ostler_vocabulary::Failure;

use super::{Runtime, blocking, first_use};
use crate::Error;
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
        let file = |variable: &str| {
            settings
                .environment
                .get(variable)
                .map(|p| Reference::File(p.into()))
        };
        if let Some(reference) = file(variable::KEY_FILE) {
            keys.push(Unlock::KeyFile(resolve("key", &reference)?));
        }
        if let Some(reference) = file(variable::AGE_IDENTITY_FILE) {
            keys.push(Unlock::AgeIdentity(resolve("age identity", &reference)?));
        }
        if let Some(reference) = file(variable::PASSPHRASE_FILE) {
            keys.push(Unlock::Passphrase(resolve("passphrase", &reference)?));
        } else if settings.environment.get(variable::PASSPHRASE).is_some() {
            let reference = Reference::Env(variable::PASSPHRASE.to_owned());
            keys.push(Unlock::Passphrase(resolve("passphrase", &reference)?));
        }
        if !is_location(name) {
            for path in first_use::key_files(settings, name) {
                keys.push(Unlock::KeyFile(resolve("key", &Reference::File(path))?));
            }
        }
        Ok(keys)
    }
}
