//! What can go wrong with a vault.

use ostler_vocabulary::{Classified, ErrorKind};

use crate::{ChunkId, PackId};

/// What was attempted with which object, and why it failed. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("could not {attempt} {subject}")]
    Store {
        /// What was attempted: a verb, such as `read`.
        attempt: &'static str,
        /// With which object.
        subject: String,
        /// Why it failed.
        #[source]
        source: Box<ostler_store::Error>,
    },
    /// The vault's file system is full, and its reserve is used up: not even space can be freed.
    #[error("could not create `{key}`: no space is left at {location}, and the vault has no reserve")]
    Full {
        /// Where the vault is.
        location: String,
        /// The object.
        key: String,
        /// What the store said.
        #[source]
        source: Box<ostler_store::Error>,
    },
    /// The copy of the index on this machine's disk could not be used.
    #[error("could not {attempt} {} of the index cache", path.display())]
    Cache {
        /// What was attempted: a verb, such as `read`.
        attempt: &'static str,
        /// With which file.
        path: std::path::PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of the index cache is not what was written.
    #[error("{} of the index cache is not what was written, and is made again by the next try", path.display())]
    CacheDamaged {
        /// The file.
        path: std::path::PathBuf,
    },
    /// An object's bytes are not what was written.
    #[error("`{object}` is damaged: {reason}")]
    Damaged {
        /// The object's key.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An object is sealed with secrets that the key in use does not open.
    #[error("`{object}` is sealed with key epoch {epoch}, which the key in use does not open")]
    EpochUnknown {
        /// The object.
        object: String,
        /// The epoch it names.
        epoch: u32,
    },
    /// The key that the vault was opened with was removed since.
    #[error("key {0}, which the vault was opened with, was removed since")]
    KeyRemoved(String),
    /// The key that was to be removed is the last that opens the vault.
    #[error("key {0} is the last that opens all of the vault, so it stays")]
    LastKey(String),
    /// What was asked for is not to be had in this vault.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A chunk's bytes are not what was written.
    #[error("chunk {chunk} in pack {pack} is damaged: {reason}")]
    ChunkDamaged {
        /// The chunk.
        chunk: ChunkId,
        /// The pack that the index names for it.
        pack: PackId,
        /// What is wrong with it.
        reason: String,
    },
    /// The pack that holds a chunk is not in the store.
    #[error("chunk {chunk} is lost: pack {pack} is not in the store")]
    PackMissing {
        /// The chunk.
        chunk: ChunkId,
        /// The pack that the index names for it.
        pack: PackId,
    },
    /// The store answers that an object is there and that it is not: nothing follows from that.
    #[error("the store has `{0}`, and answers that there is no such object when it is read")]
    Contradiction(String),
    /// No index segment names the chunk.
    #[error("chunk {0} is in no pack of the vault")]
    ChunkUnknown(ChunkId),
    /// Something that is named does not exist.
    #[error("there is no {0}")]
    NotFound(String),
    /// There is no vault at this place.
    #[error("there is no vault at {0}")]
    NoVault(String),
    /// What a vault would be in, such as a bucket, is not there.
    #[error("there is no vault at {location}, nor a place for one")]
    NoPlace {
        /// Where.
        location: String,
        /// What the store said.
        source: Box<ostler_store::Error>,
    },
    /// There are backups, and what describes their vault is missing.
    #[error("there are backups at {0}, and the `vault.json` of their vault is missing")]
    ConfigMissing(String),
    /// There is a vault already where one was to be made.
    #[error("there is a vault at {0} already")]
    VaultExists(String),
    /// A key is needed and none was given.
    #[error("the vault at {location} is encrypted and no key was given")]
    KeyNeeded {
        /// Where the vault is.
        location: String,
        /// The kinds of key that open it.
        accepted: Vec<String>,
    },
    /// A key was given and the vault is not encrypted: the store may have replaced `vault.json`.
    #[error("the vault at {0} says that it is not encrypted, and a key for it was given")]
    NotEncrypted(String),
    /// None of the keys that were given opens the vault.
    #[error("none of the given keys opens the vault at {location}")]
    WrongKey {
        /// Where the vault is.
        location: String,
        /// The kinds of key that open it.
        accepted: Vec<String>,
    },
    /// The key file of a new vault could not be stored, so that no vault was made.
    #[error("cannot store the key file: {0}")]
    KeyFile(std::io::Error),
    /// A key that was given cannot be read as one.
    #[error("{what} cannot be used: {reason}")]
    BadKey {
        /// Which key: never its text.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Text that should be a digest.
    #[error("`{text}` is not {what}: expected 64 hexadecimal digits")]
    Digest {
        /// The text.
        text: String,
        /// What was expected.
        what: &'static str,
    },
    /// A newer version wrote it, or an option is not known here.
    #[error("{what} is of version {found}, and this program knows version {known}")]
    Version {
        /// The object.
        what: String,
        /// The version found.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// More than the format can hold.
    #[error("{what} is too large: {size} bytes, and at most {limit} are allowed")]
    TooLarge {
        /// What.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An entry that a file list cannot take: a defect of who made it.
    #[error("`{path}` cannot go into a file list: {reason}")]
    ListEntry {
        /// Its path, as far as it can be shown.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An upload failed; everybody who takes part in it is told the same.
    #[error(transparent)]
    Upload(std::sync::Arc<Error>),
    /// Nobody knows what a backup needs, so nothing may be taken for unneeded.
    #[error("cannot tell what backup {backup} needs, so nothing is freed")]
    Unaccounted {
        /// The backup.
        backup: String,
        /// Why.
        source: Box<Error>,
    },
    /// A collection of garbage has ruled out that this backup is ever committed.
    #[error(
        "backup {0} can no longer be committed: its maker showed no sign of life, and space was freed meanwhile"
    )]
    Revoked(ostler_vocabulary::BackupId),
    /// The world is not as the caller assumed: another writer, a lost lease.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else holds what this needs.
    #[error("{0}")]
    Busy(String),
    /// It was cancelled.
    #[error("cancelled while {0}")]
    Cancelled(&'static str),
    /// A defect of ours, or of the machine (no randomness, no threads).
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// For `map_err`: the disk failed at this file of the index cache.
    pub(crate) fn cache(
        attempt: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Cache {
            attempt,
            path,
            source,
        }
    }

    /// For `map_err`: the store failed at this.
    pub(crate) fn store(
        attempt: &'static str,
        subject: impl std::fmt::Display,
    ) -> impl FnOnce(ostler_store::Error) -> Self {
        move |source| Self::Store {
            attempt,
            subject: format!("`{subject}`"),
            source: Box::new(source),
        }
    }

    /// The store failed at the first thing it was asked for. What it is in may never have been there; later, the same
    /// answer means that it is out of reach, and nobody may conclude anything from that.
    pub(crate) fn first_contact(
        attempt: &'static str,
        subject: &ostler_store::Key,
        error: ostler_store::Error,
    ) -> Self {
        match &error {
            ostler_store::Error::Gone { attempt, .. } => Self::NoPlace {
                location: attempt.store.clone(),
                source: Box::new(error),
            },
            _ => Self::store(attempt, subject)(error),
        }
    }

    /// The pack whose bytes are not what was stored; `None` for everything else.
    #[must_use]
    pub fn wrong_pack(&self) -> Option<PackId> {
        match self {
            Self::ChunkDamaged { pack, .. } => Some(*pack),
            Self::Damaged { object, .. } => object.strip_prefix("packs/")?.rsplit('/').next()?.parse().ok(),
            Self::Upload(first) => first.wrong_pack(),
            _ => None,
        }
    }

    /// Whether the store took nothing because it is full, or because it may only be read.
    #[must_use]
    pub fn is_refused_write(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Store { source, .. } => {
                matches!(**source, ostler_store::Error::NoSpace { .. }) || source.kind() == ErrorKind::Denied
            }
            Self::Upload(first) => first.is_refused_write(),
            _ => false,
        }
    }

    /// Whether no space is left in the store.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Store { source, .. } => matches!(**source, ostler_store::Error::NoSpace { .. }),
            Self::Upload(first) => first.is_full(),
            _ => false,
        }
    }

    /// An object's bytes are wrong.
    pub(crate) fn damaged(object: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Self::Damaged {
            object: object.to_string(),
            reason: reason.into(),
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store { source, .. } | Self::Full { source, .. } => source.kind(),
            Self::Unaccounted { source, .. } => match source.kind() {
                ErrorKind::NotFound => ErrorKind::Corrupt,
                kind => kind,
            },
            Self::Upload(first) => first.kind(),
            Self::Cache { .. } | Self::CacheDamaged { .. } | Self::Contradiction(_) => ErrorKind::Unavailable,
            Self::Damaged { .. } | Self::ChunkDamaged { .. } => ErrorKind::Corrupt,
            Self::PackMissing { .. }
            | Self::ChunkUnknown(_)
            | Self::NotFound(_)
            | Self::NoVault(_)
            | Self::NoPlace { .. } => ErrorKind::NotFound,
            Self::ConfigMissing(_) => ErrorKind::Corrupt,
            Self::VaultExists(_) => ErrorKind::AlreadyExists,
            Self::KeyNeeded { .. }
            | Self::WrongKey { .. }
            | Self::EpochUnknown { .. }
            | Self::KeyRemoved(_) => ErrorKind::Denied,
            Self::LastKey(_) | Self::NotEncrypted(_) => ErrorKind::Refused,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::BadKey { .. } | Self::Digest { .. } | Self::TooLarge { .. } => ErrorKind::Invalid,
            Self::Version { .. } => ErrorKind::Unsupported,
            Self::Conflict(_) | Self::Revoked(_) => ErrorKind::Conflict,
            Self::Busy(_) => ErrorKind::Busy,
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::KeyFile(_) | Self::ListEntry { .. } | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store { source, .. } | Self::NoPlace { source, .. } => source.hint(),
            Self::Full { location, .. } => Some(format!(
                "free {} MiB in the file system of {location}, of other files, and repeat the command; then the vault keeps a \
                 reserve for the next time",
                crate::reserve::RESERVE >> 20
            )),
            Self::Upload(first) => first.hint(),
            Self::KeyNeeded { accepted, .. } => Some(format!("give {}", either(accepted))),
            Self::NotEncrypted(_) => Some(
                "if nobody made it unencrypted, the store has replaced `vault.json`: bring the old one back; otherwise open \
                 it without a key"
                    .to_owned(),
            ),
            Self::WrongKey { accepted, .. } => Some(format!(
                "the vault opens with {}; check that it is this vault's",
                either(accepted)
            )),
            Self::Contradiction(_) => Some(
                "repeat the command when the store is well: nothing is stored about damage while its answers differ"
                    .to_owned(),
            ),
            Self::EpochUnknown { .. } => Some(
                "open the vault with another of its keys; `ostler vault key list` shows what each opens, and \
                 `ostler vault key add` makes one that opens everything"
                    .to_owned(),
            ),
            Self::KeyRemoved(_) => Some("open the vault with another of its keys".to_owned()),
            Self::LastKey(_) => Some("add another first: `ostler vault key add`".to_owned()),
            Self::NoVault(_) => {
                Some("check the address, or make a vault with `ostler vault init`".to_owned())
            }
            Self::ConfigMissing(_) => Some(
                "bring `vault.json` back, from a copy of the store or an earlier version of the object: packs and backups are \
                 still there. Make a new vault only elsewhere"
                    .to_owned(),
            ),
            Self::VaultExists(_) => Some("choose another place, or use the vault that is there".to_owned()),
            Self::Revoked(_) => {
                Some("make a new backup; it uses what this one stored and what is still there".to_owned())
            }
            Self::Version { .. } => Some("use a newer version of ostler".to_owned()),
            Self::Damaged { .. } | Self::ChunkDamaged { .. } | Self::PackMissing { .. } => {
                Some("`ostler vault check --read-data` lists every backup that this touches".to_owned())
            }
            Self::Unaccounted { backup, source } => match source.kind() {
                ErrorKind::Corrupt | ErrorKind::NotFound => Some(format!(
                    "`ostler vault check` says what is damaged; once backup {backup} is deleted, space can be freed again"
                )),
                _ => source.hint(),
            },
            _ => None,
        }
    }
}

fn either(kinds: &[String]) -> String {
    match kinds {
        [] => "a key".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
