//! What opens a vault: its store, and its keys by reference.

use std::sync::Arc;

use ostler_store::{Location, Options, S3Options, Store};
use ostler_vault::Unlock;
use ostler_vocabulary::{Failure, Secret};

use super::{Runtime, blocking, first_use};
use crate::Error;
use crate::settings::environment as variable;
use crate::settings::file::{self, Style};
use crate::settings::reference::Reference;
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
        let (runtime, name, vault) = (self.clone(), name.to_owned(), vault.clone());
        blocking(move || {
            let options = Options {
                s3: runtime.s3_options(&name, &vault.s3)?,
                ..Options::default()
            };
            ostler_store::open(&location, &options).map_err(|error| Failure::from(error).context(attempted))
        })
        .await
    }

    fn s3_options(&self, name: &str, s3: &file::S3) -> Result<S3Options, Error> {
        let settings = &self.inner.settings;
        let environment = |variable: &str| settings.environment.get(variable).map(ToOwned::to_owned);
        let secret = |key: &str, reference: &Option<Reference>, variable: &str| match reference {
            Some(reference) => reference
                .resolve(
                    &format!("{key} of vault `{name}`"),
                    settings.base(),
                    &settings.environment,
                )
                .map(Some),
            None => Ok(environment(variable).map(Secret::new)),
        };
        let access_key = secret("access_key", &s3.access_key, "AWS_ACCESS_KEY_ID")?;
        let token = match (&s3.session_token, &s3.access_key) {
            // A token of the environment belongs to the environment's key.
            (None, Some(_)) => None,
            (token, _) => secret("session_token", token, "AWS_SESSION_TOKEN")?,
        };
        Ok(S3Options {
            endpoint: s3.endpoint.clone().or_else(|| environment("AWS_ENDPOINT_URL")),
            region: s3.region.clone().or_else(|| environment("AWS_REGION")),
            access_key_id: access_key.map(|key| key.reveal().to_owned()),
            secret_access_key: secret("secret_key", &s3.secret_key, "AWS_SECRET_ACCESS_KEY")?,
            session_token: token,
            style: match s3.style {
                Style::Path => ostler_store::Style::Path,
                Style::Virtual => ostler_store::Style::Virtual,
            },
            ..S3Options::default()
        })
    }

    /// Every way to open the vault that is configured, or else what the environment and the state directory have.
    pub(super) async fn unlock(&self, name: &str, vault: &file::Vault) -> Result<Vec<Unlock>, Failure> {
        let (runtime, name, vault) = (self.clone(), name.to_owned(), vault.clone());
        blocking(move || Ok(runtime.keys_of(&name, &vault)?)).await
    }

    fn keys_of(&self, name: &str, vault: &file::Vault) -> Result<Vec<Unlock>, Error> {
        let settings = &self.inner.settings;
        let resolve = |key: &str, reference: &Reference| {
            reference.resolve(
                &format!("{key} of vault `{name}`"),
                settings.base(),
                &settings.environment,
            )
        };
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
