//! How the stores of vaults are reached: what the configuration file says, with its secrets by reference, and what the
//! environment adds.

use std::path::{Path, PathBuf};

use ostler_store::{AzureOptions, GcsOptions, S3Options, SftpOptions, Style};
use ostler_vocabulary::Secret;
use serde::Deserialize;

use super::environment::Environment;
use super::reference::{Reference, expanded};
use crate::Error;

/// What references are resolved with.
pub struct Resolver<'a> {
    /// Whose secrets they are, for messages: ``vault `name` ``.
    pub whose: String,
    /// What relative files are relative to.
    pub base: &'a Path,
    /// The variables.
    pub environment: &'a Environment,
}

impl Resolver<'_> {
    /// The secret that a key refers to. Blocks.
    ///
    /// # Errors
    /// [`Error::Secret`] or [`Error::Read`].
    pub fn secret(&self, key: &str, reference: &Reference) -> Result<Secret, Error> {
        reference.resolve(&format!("{key} of {}", self.whose), self.base, self.environment)
    }

    fn secret_or(
        &self,
        key: &str,
        reference: Option<&Reference>,
        variable: &str,
    ) -> Result<Option<Secret>, Error> {
        match reference {
            Some(reference) => self.secret(key, reference).map(Some),
            None => Ok(self.variable(variable).map(Secret::new)),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).map(ToOwned::to_owned)
    }

    fn path(&self, path: Option<&PathBuf>) -> Option<PathBuf> {
        path.map(|path| self.base.join(expanded(path, self.environment)))
    }
}

/// How an S3 service is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// The service's URL; Amazon's when not given.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// `path` or `virtual`: where the bucket's name goes.
    pub style: Style,
    /// The access key's id.
    pub access_key: Option<Reference>,
    /// The access key's secret.
    pub secret_key: Option<Reference>,
    /// The token of temporary credentials.
    pub session_token: Option<Reference>,
}

impl S3 {
    /// With secrets. Blocks.
    ///
    /// # Errors
    /// [`Error::Secret`] or [`Error::Read`].
    pub fn resolve(&self, from: &Resolver<'_>) -> Result<S3Options, Error> {
        let access_key = from.secret_or("access_key", self.access_key.as_ref(), "AWS_ACCESS_KEY_ID")?;
        let session_token = match (&self.session_token, &self.access_key) {
            // A token of the environment belongs to the environment's key.
            (None, Some(_)) => None,
            (token, _) => from.secret_or("session_token", token.as_ref(), "AWS_SESSION_TOKEN")?,
        };
        Ok(S3Options {
            endpoint: self
                .endpoint
                .clone()
                .or_else(|| from.variable("AWS_ENDPOINT_URL")),
            region: self.region.clone().or_else(|| from.variable("AWS_REGION")),
            access_key_id: access_key.map(|key| key.reveal().to_owned()),
            secret_access_key: from.secret_or(
                "secret_key",
                self.secret_key.as_ref(),
                "AWS_SECRET_ACCESS_KEY",
            )?,
            session_token,
            style: self.style,
            ..S3Options::default()
        })
    }
}

/// How an Azure storage account is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Azure {
    /// The storage account.
    pub account: Option<String>,
    /// The service's URL with the account in it; Azure's public one when not given.
    pub endpoint: Option<String>,
    /// The account's shared key.
    pub access_key: Option<Reference>,
    /// A shared access signature.
    pub sas_token: Option<Reference>,
}

impl Azure {
    /// With secrets. Blocks.
    ///
    /// # Errors
    /// [`Error::Secret`] or [`Error::Read`].
    pub fn resolve(&self, from: &Resolver<'_>) -> Result<AzureOptions, Error> {
        // What is configured is not mixed with the environment's credentials.
        let (access_key, sas_token) = match (&self.access_key, &self.sas_token) {
            (None, None) => (
                from.variable("AZURE_STORAGE_ACCOUNT_KEY").map(Secret::new),
                from.variable("AZURE_STORAGE_SAS_TOKEN").map(Secret::new),
            ),
            (key, token) => (
                key.as_ref()
                    .map(|key| from.secret("access_key", key))
                    .transpose()?,
                token
                    .as_ref()
                    .map(|token| from.secret("sas_token", token))
                    .transpose()?,
            ),
        };
        Ok(AzureOptions {
            account: self
                .account
                .clone()
                .or_else(|| from.variable("AZURE_STORAGE_ACCOUNT_NAME")),
            endpoint: self.endpoint.clone(),
            access_key,
            sas_token,
            timeout: None,
        })
    }
}

/// How Google Cloud Storage is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gcs {
    /// The service's URL; Google's when not given.
    pub endpoint: Option<String>,
    /// The JSON key of a service account.
    pub service_account: Option<Reference>,
    /// Whether no credentials are sent.
    pub anonymous: bool,
}

impl Gcs {
    /// With secrets. Blocks.
    ///
    /// # Errors
    /// [`Error::Secret`] or [`Error::Read`].
    pub fn resolve(&self, from: &Resolver<'_>) -> Result<GcsOptions, Error> {
        let file = from.variable("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
        let service_account = match (&self.service_account, file) {
            (Some(account), _) => Some(from.secret("service_account", account)?),
            (None, Some(file)) if !self.anonymous => {
                Some(from.secret("GOOGLE_APPLICATION_CREDENTIALS", &Reference::File(file))?)
            }
            (None, _) => None,
        };
        Ok(GcsOptions {
            endpoint: self.endpoint.clone(),
            service_account,
            anonymous: self.anonymous,
            timeout: None,
        })
    }
}

/// How a host is reached by SSH.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sftp {
    /// The private key's file.
    pub identity_file: Option<PathBuf>,
    /// The file of trusted hosts' keys.
    pub known_hosts_file: Option<PathBuf>,
    /// The SSH client's own configuration file.
    pub config_file: Option<PathBuf>,
}

impl Sftp {
    /// With paths relative to the configuration file.
    #[must_use]
    pub fn resolve(&self, from: &Resolver<'_>) -> SftpOptions {
        SftpOptions {
            identity_file: from.path(self.identity_file.as_ref()),
            known_hosts_file: from.path(self.known_hosts_file.as_ref()),
            config_file: from.path(self.config_file.as_ref()),
            timeout: None,
        }
    }
}
