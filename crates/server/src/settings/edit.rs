//! Changing the configuration file, whose comments and order stay as they are: it is replaced as a whole, and only as long as
//! it is what was read.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::reference::Reference;
use super::{Settings, file, parse};
use crate::Error;

/// The line of a vault that is unencrypted on purpose.
const UNENCRYPTED: &str = "encryption = \"none\"\n";

/// A vault to be written as `[vault.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultEntry {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// What opens it.
    pub opened_by: References,
}

/// What opens a vault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Where its key file's text comes from.
    pub key: Option<Reference>,
    /// Where its passphrase comes from.
    pub passphrase: Option<Reference>,
    /// Where its age identity comes from.
    pub age_identity: Option<Reference>,
    /// That nothing is needed: it is unencrypted.
    pub encryption: Option<file::Encryption>,
}

impl References {
    /// Those of a configured vault.
    #[must_use]
    pub fn of(vault: &file::Vault) -> Self {
        Self {
            key: vault.key.clone(),
            passphrase: vault.passphrase.clone(),
            age_identity: vault.age_identity.clone(),
            encryption: vault.encryption,
        }
    }

    /// Whether a key is named.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.key.is_some() || self.passphrase.is_some() || self.age_identity.is_some()
    }

    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As lines of the file.
    fn lines(&self) -> String {
        let references = [
            ("key", &self.key),
            ("passphrase", &self.passphrase),
            ("age_identity", &self.age_identity),
        ];
        let lines = references
            .into_iter()
            .filter_map(|(key, reference)| Some(format!("{key} = {}\n", reference.as_ref()?)));
        let unencrypted = self
            .encryption
            .map(|file::Encryption::None| UNENCRYPTED.to_owned());
        lines.chain(unencrypted).collect()
    }
}

/// A change of the file that is written beside it and not in force. Dropped, it is as if it had never been.
#[derive(Debug)]
#[must_use = "it is in force only once it was put there"]
pub struct Change {
    file: PathBuf,
    was: Option<String>,
    text: String,
    new: NamedTempFile,
}

impl Change {
    /// Puts it in force.
    ///
    /// # Errors
    /// [`Error::Changed`] when somebody else changed the file meanwhile, [`Error::Write`].
    pub fn apply(self) -> Result<Applied, Error> {
        is_still(&self.file, self.was.as_deref())?;
        let replaced = self.new.persist(&self.file);
        replaced.map_err(|refused| cannot_write(&self.file, refused.error))?;
        Ok(Applied {
            file: self.file,
            was: self.was,
            text: self.text,
        })
    }
}

/// A change of the file that is in force.
#[derive(Debug)]
pub struct Applied {
    file: PathBuf,
    was: Option<String>,
    text: String,
}

impl Applied {
    /// Brings back the file of before.
    ///
    /// # Errors
    /// [`Error::Changed`] when another process changed the file meanwhile, [`Error::Write`].
    pub fn undo(self) -> Result<(), Error> {
        is_still(&self.file, Some(&self.text))?;
        let undone = match &self.was {
            None => std::fs::remove_file(&self.file),
            Some(text) => {
                written_beside(&self.file, text).and_then(|old| Ok(old.persist(&self.file).map(drop)?))
            }
        };
        undone.map_err(|source| cannot_write(&self.file, source))
    }
}

impl Settings {
    /// Prepares to append the vault to the file, which is made where there is none. A vault that is there already, at the
    /// same place and with nothing that opens it, gets what opens it.
    ///
    /// # Errors
    /// [`Error::Setting`] when the name is taken or the result would not be read, [`Error::Changed`], [`Error::Write`].
    pub fn with_vault(&self, vault: &VaultEntry) -> Result<Change, Error> {
        let wrong = |reason: &str, cure: String| Error::Setting {
            file: self.config_file.display().to_string(),
            key: format!("vault.{}", vault.name),
            reason: reason.to_owned(),
            cure,
        };
        let old = self.text.as_deref().unwrap_or("");
        let text = match self.file.vault.get(&vault.name) {
            None => with_vault(old, vault),
            Some(known) if known.location == vault.location && References::of(known).is_empty() => {
                with_references(old, vault).ok_or_else(|| {
                    wrong(
                        "it has no table of its own in the file",
                        format!(
                            "write there what opens it: {}",
                            vault.opened_by.lines().trim_end()
                        ),
                    )
                })?
            }
            Some(_) => {
                return Err(wrong(
                    "a vault of this name is configured already",
                    "give another name with --name, or take the old one out of the file".to_owned(),
                ));
            }
        };
        self.prepared(&text)
    }

    /// Appends tables to the file, which is made where there is none.
    ///
    /// # Errors
    /// [`Error::Setting`] when the result would not be read, [`Error::Changed`], [`Error::Write`].
    pub fn append(&self, tables: &str) -> Result<(), Error> {
        let old = begun(self.text.as_deref().unwrap_or(""));
        self.prepared(&format!("{old}\n{tables}"))?.apply().map(drop)
    }

    /// Takes a table and those below it out of the file; comments directly above it stay.
    ///
    /// # Errors
    /// [`Error::Setting`] when it is not written as a table of its own, [`Error::Changed`], [`Error::Write`].
    pub fn remove_tables(&self, table: &str) -> Result<(), Error> {
        let old = self.text.as_deref().unwrap_or("");
        match without_tables(old, table) {
            Some(text) => self.prepared(&text)?.apply().map(drop),
            None => Err(Error::Setting {
                file: self.config_file.display().to_string(),
                key: table.to_owned(),
                reason: "it has no table of its own in the file".to_owned(),
                cure: "take it out by hand".to_owned(),
            }),
        }
    }

    fn prepared(&self, text: &str) -> Result<Change, Error> {
        let parsed = parse(text, &self.config_file)?;
        super::check::check(&parsed, &self.config_file)?;
        is_still(&self.config_file, self.text.as_deref())?;
        let new = written_beside(&self.config_file, text);
        Ok(Change {
            file: self.config_file.clone(),
            was: self.text.clone(),
            text: text.to_owned(),
            new: new.map_err(|source| cannot_write(&self.config_file, source))?,
        })
    }

    /// The table of a vault as another machine's file needs it: what opens it is named by absolute paths.
    ///
    /// # Errors
    /// [`Error::NoVault`]
    pub fn vault_table(&self, name: &str) -> Result<String, Error> {
        let configured = self.vault(name)?;
        let parsed: toml::Table = self
            .text
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let written = parsed
            .get("vault")
            .and_then(|vaults| vaults.get(name)?.as_table());
        let mut table = written.cloned().unwrap_or_default();
        table.insert("location".to_owned(), toml::Value::String(configured.location));
        for key in ["key", "passphrase", "age_identity"] {
            let Some(toml::Value::Table(reference)) = table.get_mut(key) else {
                continue;
            };
            if let Some(toml::Value::String(file)) = reference.get_mut("file") {
                *file = self.base().join(&*file).to_string_lossy().into_owned();
            }
        }
        let implicit = self.implicit_key(name);
        if References::of(&self.vault(name)?).is_empty() && implicit.exists() {
            let file = toml::Value::String(implicit.to_string_lossy().into_owned());
            let reference = toml::Table::from_iter([("file".to_owned(), file)]);
            table.insert("key".to_owned(), toml::Value::Table(reference));
        }
        // Plain values come first; what is left are tables of their own.
        let (tables, values): (Vec<_>, Vec<_>) = table.into_iter().partition(|(key, value)| {
            value.is_table() && !["key", "passphrase", "age_identity"].contains(&key.as_str())
        });
        let head = header(name);
        let mut text = format!("{head}\n");
        for (key, value) in values {
            text.push_str(&format!("{key} = {value}\n"));
        }
        for (key, value) in tables {
            let path = format!("{}.{key}]", head.trim_end_matches(']'));
            text.push_str(&format!("\n{path}\n"));
            for (key, value) in value.as_table().into_iter().flatten() {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        Ok(text)
    }
}

/// A file that has begun: with its version, and a line end at its end.
fn begun(text: &str) -> String {
    match text.trim_end() {
        "" => "version = 1\n".to_owned(),
        some => format!("{some}\n"),
    }
}

/// The text without a table and those below it; `None` when it has none. `table` is of plain names.
fn without_tables(text: &str, table: &str) -> Option<String> {
    let (exact, below) = (format!("[{table}]"), format!("[{table}."));
    let (mut kept, mut found, mut inside) = (String::new(), false, false);
    for line in text.lines() {
        let bare = line.split('#').next().unwrap_or_default().trim();
        if bare.starts_with('[') {
            inside = bare == exact || bare.starts_with(&below);
            found |= inside;
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    found.then(|| format!("{}\n", kept.trim_end()))
}

fn with_vault(text: &str, vault: &VaultEntry) -> String {
    let text = begun(text);
    format!(
        "{text}\n{}\nlocation = {}\n{}",
        header(&vault.name),
        quoted(&vault.location),
        vault.opened_by.lines()
    )
}

/// The text with the references below the vault's header; `None` when it has no header of its own.
fn with_references(text: &str, vault: &VaultEntry) -> Option<String> {
    let header = header(&vault.name);
    let mut found = false;
    let mut changed = String::new();
    for line in text.lines() {
        changed.push_str(line);
        changed.push('\n');
        if !found && line.split('#').next().unwrap_or_default().trim() == header {
            found = true;
            changed.push_str(&vault.opened_by.lines());
        }
    }
    found.then_some(changed)
}

fn header(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(plain) {
        format!("[vault.{name}]")
    } else {
        format!("[vault.{}]", quoted(name))
    }
}

fn quoted(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn cannot_write(file: &Path, source: std::io::Error) -> Error {
    Error::Write {
        what: "the configuration file",
        path: file.to_owned(),
        source,
    }
}

/// Refuses a file that is not what was read: whoever changed it since would lose what they wrote.
fn is_still(file: &Path, was: Option<&str>) -> Result<(), Error> {
    let now = match std::fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(Error::Read {
                what: "the configuration file",
                path: file.to_owned(),
                source,
            });
        }
    };
    match now.as_deref() == was {
        true => Ok(()),
        false => Err(Error::Changed {
            path: file.to_owned(),
        }),
    }
}

fn written_beside(path: &Path, text: &str) -> std::io::Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mode = std::fs::metadata(path).map_or(0o600, |known| known.permissions().mode() & 0o777);
    let name = path.file_name().unwrap_or_default();
    let mut new = tempfile::Builder::new()
        .prefix(name)
        .suffix(".new")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    Ok(new)
}
