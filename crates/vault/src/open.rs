//! Making a vault, and opening one.
#![allow(clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::sync::Arc;

use ostler_store::Store;
use ostler_vocabulary::{Clock, Secret, Timestamp, VaultId};

use crate::cipher::Suite;
use crate::config::Config;
use crate::keys::Keyring;
use crate::{Error, Index, Reader, Upload};

/// A way to open a vault.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// The text of a key file.
    KeyFile(Secret),
    /// A passphrase.
    Passphrase(Secret),
    /// The text of an age identity: `AGE-SECRET-KEY-1…`, with or without comment lines.
    AgeIdentity(Secret),
}

/// A way to protect the vault's secrets.
#[derive(Debug, Clone)]
pub enum Protect {
    /// A new random key file; its text is returned by `init`.
    KeyFile,
    /// A passphrase.
    Passphrase(Secret),
    /// Recipients of age: `age1…`.
    AgeRecipients(Vec<String>),
}

/// How a new vault is to be.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// Empty means an unencrypted vault.
    pub protect: Vec<Protect>,
    /// Gives the times that are recorded.
    pub clock: Arc<dyn Clock>,
}

/// A new vault.
#[derive(Debug)]
pub struct Initialised {
    /// The vault, open.
    pub vault: Vault,
    /// The text of the new key file, where one was asked for.
    pub key_file: Option<Secret>,
}

/// One way in which the vault's secrets are protected.
#[derive(Debug, Clone)]
pub struct WrapperInfo {
    /// Its name below `keys/`.
    pub id: String,
    /// `key_file`, `passphrase` or `age`.
    pub kind: String,
    /// When it was made.
    pub created: Timestamp,
}

/// An open vault. Cheap to clone behind an `Arc`.
#[derive(Debug)]
pub struct Vault {
    store: Arc<dyn Store>,
    config: Config,
    keys: Keyring,
    clock: Arc<dyn Clock>,
}

impl Vault {
    /// Makes a vault in an empty store.
    pub async fn init(store: Arc<dyn Store>, options: InitOptions) -> Result<Initialised, Error> {
        todo!()
    }

    /// Tries each of the given ways; an unencrypted vault needs none.
    pub async fn open(
        store: Arc<dyn Store>,
        unlock: &[Unlock],
        clock: Arc<dyn Clock>,
    ) -> Result<Vault, Error> {
        todo!()
    }

    /// The vault's name for itself.
    #[must_use]
    pub fn id(&self) -> VaultId {
        self.config.id
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.config.created
    }

    /// `aes-256-gcm`, `chacha20-poly1305` or `none`.
    #[must_use]
    pub fn encryption(&self) -> &'static str {
        self.config.suite.name()
    }

    /// Where its objects are.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn suite(&self) -> Suite {
        self.config.suite
    }

    pub(crate) fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// The ways in which its secrets are protected.
    pub async fn wrappers(&self) -> Result<Vec<WrapperInfo>, Error> {
        todo!()
    }

    /// Loads every index segment. `adopt_orphans` also reads the tables of packs that no segment names, which an
    /// interrupted run left behind, so that their chunks are not stored again.
    pub async fn index(&self, adopt_orphans: bool) -> Result<Arc<Index>, Error> {
        todo!()
    }

    /// A session that stores chunks. Its pieces are used from worker threads.
    #[must_use]
    pub fn upload(self: &Arc<Self>, index: Arc<Index>) -> Upload {
        todo!()
    }

    /// Reads chunks; shared by worker threads. All its methods block and must run outside async tasks
    /// (`spawn_blocking` or own threads).
    #[must_use]
    pub fn reader(self: &Arc<Self>, index: Arc<Index>) -> Reader {
        todo!()
    }
}
