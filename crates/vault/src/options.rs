//! How to make a vault and how to open one.

use std::sync::Arc;

use ostler_vocabulary::{Clock, Secret, Timestamp};

use crate::Vault;

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
    /// A passphrase, at the default cost.
    Passphrase(Secret),
    /// A passphrase, at this cost.
    PassphraseAt(Secret, PassphraseCost),
    /// Recipients of age: `age1…`.
    AgeRecipients(Vec<String>),
}

/// What trying one passphrase costs, with Argon2id on one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB; at least 8.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
}

impl PassphraseCost {
    /// The most that is believed of a wrapper.
    pub(crate) const MOST: Self = Self {
        memory_kib: 2 << 20,
        iterations: 64,
    };

    /// Next to nothing, for tests.
    pub const CHEAP: Self = Self {
        memory_kib: 64,
        iterations: 1,
    };
}

impl Default for PassphraseCost {
    /// 128 MiB and three passes.
    fn default() -> Self {
        Self {
            memory_kib: 128 << 10,
            iterations: 3,
        }
    }
}

/// What encrypts the vault's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// AES-256-GCM: the faster one where the processor has instructions for it.
    Aes256Gcm,
    /// ChaCha20-Poly1305: the faster one everywhere else.
    ChaCha20Poly1305,
}

/// How many may write at the same time, which depends on what the vault's store can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Writers {
    /// Any number.
    #[default]
    Many,
    /// One: the store does not refuse to replace objects, so that nothing else keeps writers apart. Whoever makes a
    /// backup takes the vault's exclusive lease.
    One,
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
    /// Tells keys of a kind apart: the fingerprint of a key file, the recipients of age.
    pub about: Option<String>,
    /// The key epochs that are sealed to it, ascending.
    pub epochs: Vec<u32>,
    /// Whether the vault was opened by it.
    pub opened_by: bool,
}

/// What opens a vault from now on too.
#[derive(Debug, Clone)]
pub enum NewKey {
    /// The text of a key file, as [`Vault::new_key_file`] makes it.
    KeyFile(Secret),
    /// A passphrase, at this cost.
    Passphrase(Secret, PassphraseCost),
    /// Recipients of age: `age1…`.
    AgeRecipients(Vec<String>),
}
