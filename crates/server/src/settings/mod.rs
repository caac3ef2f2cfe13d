//! The configuration: defaults, then the file, then the environment, then flags; resolved once.

mod check;
pub mod cluster;
pub mod dotenv;
pub mod edit;
pub mod environment;
pub mod file;
mod key_store;
pub mod keys;
pub mod pages;
pub mod reference;
pub mod show;
pub mod state;
pub mod stores;

use std::path::{Path, PathBuf};

use environment::Environment;
use file::File;
use ostler_api::client::LimitChange;
use ostler_store::Rates;

use crate::Error;

/// What flags say of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// The state directory.
    pub state_directory: Option<PathBuf>,
    /// What overrules the limits of vaults, one by one.
    pub limits: LimitChange,
}

/// The configuration as it is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The file that is read when it exists.
    pub config_file: PathBuf,
    /// Its text; `None` when it does not exist.
    pub text: Option<String>,
    /// The directory of journal, default vault, keys and scratch.
    pub state_directory: PathBuf,
    /// What the file says, or its defaults; with what environment and flags overrule.
    pub file: File,
    /// The environment it was resolved with.
    pub environment: Environment,
    /// Where directories were taken from, for `config show`.
    pub(crate) flags: Flags,
}

impl Settings {
    /// Reads the file and resolves everything.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Setting`] or [`Error::NoHome`].
    pub fn resolve(flags: &Flags, environment: Environment) -> Result<Self, Error> {
        let config_file = config_file(flags, &environment)?;
        let named = flags.config.is_some() || environment.get(environment::CONFIG).is_some();
        let text = match std::fs::read_to_string(&config_file) {
            Ok(text) => Some(text),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound && !named => None,
            Err(source) => {
                return Err(Error::Read {
                    what: "the configuration file",
                    path: config_file,
                    source,
                });
            }
        };
        let mut file = match &text {
            Some(text) => parse(text, &config_file)?,
            None => File::default(),
        };
        let written = text.as_deref().and_then(|text| text.parse().ok());
        let environment = environment.with_referred(&written.unwrap_or_default());
        if let Some(vault) = environment.get(environment::VAULT) {
            file.defaults.vault = vault.to_owned();
        }
        check::check(&file, &config_file)?;
        Ok(Self {
            state_directory: state_directory(flags, &environment)?,
            config_file,
            text,
            file,
            environment,
            flags: flags.clone(),
        })
    }

    /// The directory that relative file references of the configuration are relative to.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.config_file.parent().unwrap_or(Path::new("/"))
    }

    /// Where the default vault is when none is configured.
    #[must_use]
    pub fn implicit_vault(&self) -> PathBuf {
        self.state_directory.join("vault")
    }

    /// The directory of what can be had again: `$XDG_CACHE_HOME/ostler`. `None` where there is no home.
    #[must_use]
    pub fn cache_directory(&self) -> Option<PathBuf> {
        let home = match self.environment.get("XDG_CACHE_HOME") {
            Some(home) => PathBuf::from(home),
            None => PathBuf::from(self.environment.get("HOME")?).join(".cache"),
        };
        Some(home.join("ostler"))
    }

    /// What a vault's requests wait for: flags before the file.
    #[must_use]
    pub fn limits(&self, vault: &file::Vault) -> Rates {
        changed(vault.limits, self.flags.limits)
    }

    /// What was given on the command line, which nodes of clusters keep to as well.
    #[must_use]
    pub fn given_limits(&self) -> LimitChange {
        self.flags.limits
    }

    /// Where the key file of a vault is that configures none.
    #[must_use]
    pub fn implicit_key(&self, vault: &str) -> PathBuf {
        self.state_directory.join("keys").join(format!("{vault}.key"))
    }

    /// The vault of this name. `default` exists also where nobody configures it. A name with `/` or `://` in it is a
    /// location itself.
    ///
    /// # Errors
    /// [`Error::NoVault`]
    pub fn vault(&self, name: &str) -> Result<file::Vault, Error> {
        if let Some(vault) = self.file.vault.get(name) {
            return Ok(vault.clone());
        }
        if name == "default" {
            return Ok(file::Vault::at(self.implicit_vault().to_string_lossy()));
        }
        if is_location(name) {
            return Ok(file::Vault::at(name));
        }
        Err(Error::NoVault {
            name: name.to_owned(),
            known: self.vault_names(),
        })
    }

    /// How the store of a class of storage is reached. An absolute directory and a URL are addresses themselves.
    ///
    /// # Errors
    /// [`Error::NoClass`], [`Error::NoStoreOfClass`]
    pub fn class(&self, name: &str) -> Result<file::Vault, Error> {
        let Some(class) = self.file.class.get(name) else {
            return match name.starts_with('/') || name.contains("://") {
                true => Ok(file::Vault::at(name)),
                false => Err(Error::NoClass {
                    name: name.to_owned(),
                    known: self.file.class.keys().cloned().collect(),
                }),
            };
        };
        let Some(location) = &class.location else {
            return Err(Error::NoStoreOfClass {
                name: name.to_owned(),
            });
        };
        let reached = match &class.reached_as {
            Some(vault) => self.vault(vault)?,
            None => file::Vault::at(""),
        };
        Ok(file::Vault {
            location: location.clone(),
            lock: None,
            ..reached
        })
    }

    /// The configured vaults, and `default` where nothing else is.
    #[must_use]
    pub fn vault_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.file.vault.keys().cloned().collect();
        if names.is_empty()
            || (self.file.defaults.vault == "default" && !names.contains(&"default".to_owned()))
        {
            names.push("default".to_owned());
        }
        names.sort();
        names
    }
}

/// Limits with a change to them: 0 lifts one.
#[must_use]
pub fn changed(rates: Rates, change: LimitChange) -> Rates {
    Rates {
        upload: change
            .upload
            .map_or(rates.upload, |size| Some(size).filter(|size| size.0 > 0)),
        download: change
            .download
            .map_or(rates.download, |size| Some(size).filter(|size| size.0 > 0)),
        requests: change
            .requests
            .map_or(rates.requests, |count| Some(count).filter(|count| *count > 0)),
    }
}

/// Whether a vault's name is a place instead.
#[must_use]
pub fn is_location(name: &str) -> bool {
    name.contains('/')
}

fn config_file(flags: &Flags, environment: &Environment) -> Result<PathBuf, Error> {
    if let Some(file) = &flags.config {
        return Ok(file.clone());
    }
    if let Some(file) = environment.get(environment::CONFIG) {
        return Ok(file.into());
    }
    let home = match environment.get("XDG_CONFIG_HOME") {
        Some(home) => PathBuf::from(home),
        None => home(environment, "the configuration", environment::CONFIG)?.join(".config"),
    };
    Ok(home.join("ostler").join("config.toml"))
}

fn state_directory(flags: &Flags, environment: &Environment) -> Result<PathBuf, Error> {
    if let Some(directory) = &flags.state_directory {
        return Ok(directory.clone());
    }
    if let Some(directory) = environment.get(environment::STATE_DIR) {
        return Ok(directory.into());
    }
    let home = match environment.get("XDG_DATA_HOME") {
        Some(home) => PathBuf::from(home),
        None => home(environment, "state", environment::STATE_DIR)?
            .join(".local")
            .join("share"),
    };
    Ok(home.join("ostler"))
}

fn home(environment: &Environment, what: &'static str, variable: &'static str) -> Result<PathBuf, Error> {
    environment
        .get("HOME")
        .map(PathBuf::from)
        .ok_or(Error::NoHome { what, variable })
}

/// Reads a configuration file's text.
///
/// # Errors
/// [`Error::Setting`] with the file, the key or line, and what to write instead.
pub fn parse(text: &str, path: &Path) -> Result<File, Error> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
        Error::Setting {
            file: path.display().to_string(),
            key: line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}")),
            reason: error.message().replace('\n', " "),
            cure: "`ostler config init` prints every key with its default and a comment".to_owned(),
        }
    })
}

/// Refuses a URL with a password in it, without repeating it.
///
/// # Errors
/// [`Error::Setting`]
pub fn refuse_password(location: &str, path: &Path, key: &str) -> Result<(), Error> {
    let host = location
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    let has_query_secret = ["password=", "secret=", "token="]
        .iter()
        .any(|word| location.contains("://") && location.to_ascii_lowercase().contains(word));
    // Who logs in by SSH is no secret.
    let is_user_only = |host: &str| location.starts_with("sftp://") && !host.contains(':');
    let has_login = host
        .and_then(|host| host.rsplit_once('@'))
        .is_some_and(|(login, _)| !is_user_only(login));
    if has_login || has_query_secret {
        return Err(Error::Setting {
            file: path.display().to_string(),
            key: key.to_owned(),
            reason: "there is a password or key in this URL".to_owned(),
            cure: "take it out and refer to it: secret_key = { env = \"NAME\" } or { file = \"…\" } in [vault.NAME.s3], and the like of other services"
                .to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
