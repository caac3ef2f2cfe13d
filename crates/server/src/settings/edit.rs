//! Adding a vault to the configuration file, whose comments and order stay as they are.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::reference::Reference;
use super::{Settings, parse};
use crate::Error;

/// A vault to be written as `[vault.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVault {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// Where its key file's text comes from.
    pub key: Option<Reference>,
    /// Where its passphrase comes from.
    pub passphrase: Option<Reference>,
    /// Where its age identity comes from.
    pub age_identity: Option<Reference>,
}

impl Settings {
    /// Appends the vault to the file, which is made where there is none. The file is replaced as a whole.
    ///
    /// # Errors
    /// [`Error::Setting`] when the name is taken or the result would not be read, [`Error::Write`].
    pub fn add_vault(&self, vault: &NewVault) -> Result<(), Error> {
        let text = with_vault(self.text.as_deref().unwrap_or(""), vault);
        if self.file.vault.contains_key(&vault.name) {
            return Err(Error::Setting {
                file: self.config_file.display().to_string(),
                key: format!("vault.{}", vault.name),
                reason: "a vault of this name is configured already".to_owned(),
                cure: "give another name with --name, or take the old one out of the file".to_owned(),
            });
        }
        let parsed = parse(&text, &self.config_file)?;
        super::check(&parsed, &self.config_file)?;
        replace(&self.config_file, &text).map_err(|source| Error::Write {
            what: "the configuration file",
            path: self.config_file.clone(),
            source,
        })
    }
}

fn with_vault(text: &str, vault: &NewVault) -> String {
    let mut text = match text.trim_end() {
        "" => "version = 1\n".to_owned(),
        some => format!("{some}\n"),
    };
    let quoted = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name = if vault.name.chars().all(plain) {
        vault.name.clone()
    } else {
        quoted(&vault.name)
    };
    text.push_str(&format!(
        "\n[vault.{name}]\nlocation = {}\n",
        quoted(&vault.location)
    ));
    for (key, reference) in [
        ("key", &vault.key),
        ("passphrase", &vault.passphrase),
        ("age_identity", &vault.age_identity),
    ] {
        if let Some(reference) = reference {
            text.push_str(&format!("{key} = {reference}\n"));
        }
    }
    text
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let mode = std::fs::metadata(path).map_or(0o600, |m| {
        std::os::unix::fs::PermissionsExt::mode(&m.permissions()) & 0o777
    });
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written
}
