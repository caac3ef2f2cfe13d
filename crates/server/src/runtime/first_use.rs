//! Making vaults and their key files, so that no crash leaves a vault that nothing opens.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostler_api::vault::Encryption;
use ostler_operations::kill::{Moment, point};
use ostler_store::{Local, Store};
use ostler_vault::{Algorithm, InitOptions, Protect, Vault, Writers};
use ostler_vocabulary::{Classified as _, ErrorKind, Failure, Secret, VaultId};

use super::vaults::{Opened, Seen};
use super::{Runtime, blocking, places};
use crate::Error;
use crate::settings::Settings;

/// What is said at once, so that it was said also where the backup is then killed.
pub(super) fn key_made(key: &Path) -> String {
    format!(
        "made a vault; its key is {}: nobody can restore without it",
        key.display()
    )
}

/// What the user has to be told once.
pub(super) fn copy_away(key: &Path) -> String {
    format!(
        "the key of this vault is in {}: copy it to a safe place elsewhere; without it nobody can restore",
        key.display()
    )
}

/// The key files of a vault that configures none. There can be several: of two processes that make the default vault at
/// the same time one comes second, and a crash between key and vault leaves a key of nothing.
pub(super) fn key_files(settings: &Settings, name: &str) -> Vec<PathBuf> {
    let first = settings.implicit_key(name);
    let others = first
        .parent()
        .and_then(|directory| std::fs::read_dir(directory).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let middle = file
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".key"));
            middle.is_some_and(|id| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()))
        });
    let mut files: Vec<PathBuf> = others.collect();
    files.sort();
    if first.exists() {
        files.insert(0, first);
    }
    files
}

/// Removes what a crash left of earlier attempts to make the default vault; what is an hour old nobody works on.
fn sweep(place: &Path) {
    let Some(directory) = place
        .parent()
        .and_then(|directory| std::fs::read_dir(directory).ok())
    else {
        return;
    };
    for entry in directory.flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("vault.new."));
        let is_old = entry
            .metadata()
            .and_then(|m| m.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > 3600));
        if is_ours && is_old && std::fs::remove_dir_all(entry.path()).is_err() {
            tracing::warn!(path = %entry.path().display(), "what an interrupted run left could not be removed");
        }
    }
}

/// The one of these key files that was made for the vault: key files name their vault.
pub(super) fn key_file_of(settings: &Settings, name: &str, vault: VaultId) -> Option<PathBuf> {
    let id = vault.to_string();
    let files = key_files(settings, name);
    let names_it = |path: &&PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.contains(&id));
    files.iter().find(names_it).or(files.first()).cloned()
}

/// Makes a vault. Its key file is written first, under another name that [`unfinished_keys`] finds, so that no vault is made
/// that nothing opens.
pub(super) async fn init(
    store: Arc<dyn Store>,
    options: InitOptions,
    encryption: Encryption,
    (writers, lock): (Writers, Option<Duration>),
    key_file: Option<&Path>,
) -> Result<Vault, Failure> {
    let algorithm = match encryption {
        Encryption::Aes256Gcm => Some(Algorithm::Aes256Gcm),
        Encryption::ChaCha20Poly1305 => Some(Algorithm::ChaCha20Poly1305),
        Encryption::Fastest | Encryption::None => None,
    };
    let Some(path) = key_file else {
        let made = Vault::init_for(store, options, algorithm, writers, lock, |_| Ok(())).await?;
        return Ok(made.vault);
    };
    if path.exists() {
        return Err(Error::Request {
            message: format!("the key file {} is there already", path.display()),
            kind: ErrorKind::AlreadyExists,
            hint: Some("give another place with --key; key files are never replaced".to_owned()),
        }
        .into());
    }
    if let Some(directory) = path.parent() {
        places::make_private(directory)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(
        ".{}{UNFINISHED}",
        ostler_vocabulary::OperationId::random()
    ));
    let unfinished = PathBuf::from(unfinished);
    let keep = |text: &Secret| places::write_private(&unfinished, text.reveal());
    let made = Vault::init_for(store, options, algorithm, writers, lock, keep).await;
    let vault = match made {
        Ok(made) => made.vault,
        Err(ostler_vault::Error::KeyFile(source)) => {
            return Err(Error::Write {
                what: "the key file",
                path: path.to_owned(),
                source,
            }
            .into());
        }
        Err(error) => {
            // Without an answer of the store the vault may be there, and needs its key.
            if !error.kind().is_transient() {
                let _ = std::fs::remove_file(&unfinished);
            }
            return Err(error.into());
        }
    };
    point(Moment::After, "make vault");
    finish_key(&unfinished, path)?;
    Ok(vault)
}

/// What the names of key files end with whose vault may not be there.
const UNFINISHED: &str = ".new";

/// The key files that interrupted runs of `vault init` left for this one.
pub(super) fn unfinished_keys(path: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let is_one = |file: &str| {
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')) && file.ends_with(UNFINISHED)
    };
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_one))
        .map(|entry| entry.path())
        .collect()
}

/// Gives a key file its name, and replaces none.
pub(super) fn finish_key(unfinished: &Path, path: &Path) -> Result<(), Failure> {
    let named = std::fs::hard_link(unfinished, path).and_then(|()| {
        std::fs::remove_file(unfinished)?;
        match path.parent() {
            Some(directory) => std::fs::File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    });
    named.map_err(|source| {
        Error::Write {
            what: "the key file",
            path: path.to_owned(),
            source,
        }
        .into()
    })
}

/// Refuses a place that has backups of a vault whose `vault.json` is missing.
async fn refuse_backups(place: &Path) -> Result<(), Failure> {
    if !place.exists() {
        return Ok(());
    }
    let place = place.to_owned();
    let store = blocking(move || Ok(Arc::new(Local::open(&place)?) as Arc<dyn Store>)).await?;
    match Vault::require_vacant(&store).await {
        // Another process was faster, and its vault is as good.
        Err(ostler_vault::Error::VaultExists(_)) => Ok(()),
        vacant => Ok(vacant?),
    }
}

impl Runtime {
    /// Whether the default vault is not configured and not there yet, so that the first backup makes it.
    pub(super) fn makes_default(&self, name: Option<&str>) -> bool {
        let settings = &self.inner.settings;
        let name = self.vault_name(name);
        name == "default"
            && !settings.file.vault.contains_key(&name)
            && !settings.implicit_vault().join("vault.json").exists()
    }

    /// Makes the default vault with a key file: under another name first, so that the key is there before the vault is.
    pub(super) async fn make_default(&self) -> Result<Arc<Opened>, Failure> {
        let settings = self.inner.settings.clone();
        let place = settings.implicit_vault();
        let attempted = format!("cannot make the default vault in {}", place.display());
        refuse_backups(&place)
            .await
            .map_err(|failure| failure.context(attempted.clone()))?;
        let new = place.with_file_name(format!("vault.new.{}", ostler_vocabulary::OperationId::random()));
        let store: Arc<dyn Store> = blocking({
            let (new, place) = (new.clone(), place.clone());
            move || {
                sweep(&place);
                Ok(Arc::new(Local::open(&new)?) as Arc<dyn Store>)
            }
        })
        .await
        .map_err(|failure| failure.context(attempted.clone()))?;
        let options = InitOptions {
            protect: vec![Protect::KeyFile],
            clock: Arc::clone(&self.inner.clock),
        };
        let made = Vault::init(store, options)
            .await
            .map_err(|error| Failure::from(error).context(attempted.clone()))?;
        let id = made.vault.id();
        let text = made.key_file.ok_or_else(|| {
            Failure::new(
                ErrorKind::Internal,
                "the vault was made without the key file that was asked for",
            )
        })?;
        let key = blocking(move || {
            let first = settings.implicit_key("default");
            let directory = first.parent().unwrap_or(Path::new("/"));
            places::make_private(directory)?;
            let key = match places::write_private(&first, text.reveal()) {
                Ok(()) => first,
                Err(_) => {
                    let other = first.with_file_name(format!("default.{id}.key"));
                    places::write_private(&other, text.reveal()).map_err(|source| Error::Write {
                        what: "the key file",
                        path: other.clone(),
                        source,
                    })?;
                    other
                }
            };
            let moved = std::fs::rename(&new, &place);
            match moved {
                Ok(()) => Ok(Some(key)),
                // Another process was faster, and its vault is as good.
                Err(_) if place.join("vault.json").exists() => {
                    let _ = std::fs::remove_file(&key);
                    let _ = std::fs::remove_dir_all(&new);
                    Ok(None)
                }
                Err(source) => Err(Error::Write {
                    what: "the vault",
                    path: place,
                    source,
                }
                .into()),
            }
        })
        .await
        .map_err(|failure: Failure| failure.context(attempted))?;
        // Opened anew, at the place where it is now.
        let opened = self.opened(Some("default")).await?;
        Ok(match key {
            None => opened,
            Some(_) => Arc::new(Opened {
                name: opened.name.clone(),
                location: opened.location.clone(),
                directory: opened.directory.clone(),
                vault: Arc::clone(&opened.vault),
                new_key: key,
                seen: Seen::default(),
            }),
        })
    }
}
