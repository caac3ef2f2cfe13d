//! The vault's secrets, and how they are protected.

mod announced;
mod epochs;
mod first;
mod followed;
mod key_file;
mod recipients;
mod retired;
mod seal;
mod unlock;
mod wrapper;
mod wrappers;

use std::collections::BTreeMap;

use ostler_vocabulary::VaultId;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use epochs::EpochInfo;
pub(crate) use epochs::{EPOCHS, activated, activation_key, sealed_epoch};
pub(crate) use first::first_epoch;
pub(crate) use key_file::FileKey;
pub(crate) use recipients::check as check_recipient;
pub use recipients::of_identity as age_recipients;
pub(crate) use seal::SEALED_KEY;
use seal::{Psk, generate, open as open_sealed, public_of, seal as seal_to};
pub(crate) use unlock::{KEYS, OpenedBy, unlock};
pub(crate) use wrapper::{Protection, Wrapper, without};

use crate::cipher::Suite;
use crate::{Error, cipher};

/// Length of the keys of AES-SIV with AES-256.
pub(crate) const NAME_KEY: usize = 64;

const CHUNK_ID: &str = "ostler vault v1 chunk id";
const CONFIG_MAC: &str = "ostler vault v1 vault.json";
const OBJECT: &str = "ostler vault v1 object";
const NAME: &str = "ostler vault v1 name";
const PROOF: &str = "ostler vault v1 epoch proof";
const ANNOUNCED: &str = "ostler vault v1 epoch announcement";

/// The secrets of one key epoch.
pub(crate) struct Epoch {
    pub(crate) number: u32,
    writer: Zeroizing<[u8; 32]>,
    secret: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    object: Zeroizing<[u8; 32]>,
    name: Zeroizing<[u8; NAME_KEY]>,
}

impl Epoch {
    pub(crate) fn new(
        number: u32,
        writer: Zeroizing<[u8; 32]>,
        secret: Zeroizing<[u8; 32]>,
    ) -> Result<Self, Error> {
        let mut name = Zeroizing::new([0; NAME_KEY]);
        blake3::Hasher::new_derive_key(NAME)
            .update(writer.as_slice())
            .finalize_xof()
            .fill(name.as_mut_slice());
        Ok(Self {
            number,
            public: public_of(&secret)?,
            object: Zeroizing::new(blake3::derive_key(OBJECT, writer.as_slice())),
            name,
            writer,
            secret,
        })
    }

    /// New random secrets.
    pub(crate) fn random(number: u32) -> Result<Self, Error> {
        Self::new(number, Zeroizing::new(cipher::random()?), generate()?.0)
    }

    /// The key of an object that is sealed with the writer's secret.
    pub(crate) fn object_key(&self, salt: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*blake3::keyed_hash(&self.object, salt).as_bytes())
    }

    /// What only holders of this epoch's secret key can say of the secrets of a later one.
    pub(crate) fn proof_of(&self, vault: VaultId, later: &Self) -> [u8; 32] {
        let key = Zeroizing::new(blake3::derive_key(PROOF, self.secret.as_slice()));
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(vault.as_bytes());
        hasher.update(&self.number.to_be_bytes());
        hasher.update(&later.number.to_be_bytes());
        hasher.update(later.writer.as_slice());
        hasher.update(later.secret.as_slice());
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn name_key(&self) -> &[u8; NAME_KEY] {
        &self.name
    }

    /// Seals a fresh random key to the vault's public key; only holders of the writer's secret can.
    pub(crate) fn seal_key(
        &self,
        suite: Suite,
        vault: VaultId,
        info: &[u8],
        key: &[u8; 32],
    ) -> Result<[u8; SEALED_KEY], Error> {
        #[cfg(test)]
        if crate::host::is_simulated() {
            return Ok(self.stand_in(info, key));
        }
        let psk = Psk {
            key: self.writer.as_slice(),
            id: vault.as_bytes(),
        };
        let sealed = seal_to(suite, &self.public, Some(psk), info, key)?;
        sealed
            .try_into()
            .map_err(|_| Error::Internal("a sealed key has an unexpected length".to_owned()))
    }

    /// In place of a sealed key, where a hundred thousand histories of a vault are gone through and none is secret.
    #[cfg(test)]
    fn stand_in(&self, info: &[u8], key: &[u8; 32]) -> [u8; SEALED_KEY] {
        let mut bytes = [0; SEALED_KEY];
        let (plain, code) = bytes.split_at_mut(32);
        plain.copy_from_slice(key);
        let hash = blake3::Hasher::new_keyed(&self.writer)
            .update(info)
            .update(key)
            .finalize();
        code[..32].copy_from_slice(hash.as_bytes());
        bytes
    }

    pub(crate) fn open_key(
        &self,
        suite: Suite,
        vault: VaultId,
        info: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, cipher::NotAuthentic> {
        #[cfg(test)]
        if crate::host::is_simulated() {
            let key: &[u8; 32] = sealed.first_chunk().ok_or(cipher::NotAuthentic)?;
            let is_ours = self.stand_in(info, key) == sealed;
            return is_ours.then(|| Zeroizing::new(*key)).ok_or(cipher::NotAuthentic);
        }
        let psk = Psk {
            key: self.writer.as_slice(),
            id: vault.as_bytes(),
        };
        let key = open_sealed(suite, &self.secret, Some(psk), info, sealed)?;
        let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| cipher::NotAuthentic)?;
        Ok(Zeroizing::new(*key))
    }
}

/// Every secret of an open vault.
pub(crate) struct Keyring {
    identity: Zeroizing<[u8; 32]>,
    chunk_id: Zeroizing<[u8; 32]>,
    epochs: BTreeMap<u32, Epoch>,
    /// The epoch that new objects are sealed with; the key that opened the vault may not open it.
    current: u32,
    /// The first epoch that counts, by what was said when those before it were given up; 1 where none were.
    first: u32,
    /// What is known of epochs that followed another.
    followed: Vec<EpochInfo>,
    /// Numbers at which somebody put what no secrets vouch for.
    foreign: Vec<u32>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({} epochs)", self.epochs.len())
    }
}

impl Keyring {
    /// New objects are sealed with the highest of these epochs.
    ///
    /// # Errors
    /// When there is no epoch at all.
    pub(crate) fn new(identity: &[u8; 32], epochs: Vec<Epoch>) -> Result<Self, Error> {
        let highest = epochs.iter().map(|epoch| epoch.number).max();
        let current = highest.ok_or_else(|| Error::damaged("keys/", "no key epoch is there"))?;
        Ok(Self {
            identity: Zeroizing::new(*identity),
            chunk_id: Zeroizing::new(blake3::derive_key(CHUNK_ID, identity)),
            epochs: epochs.into_iter().map(|epoch| (epoch.number, epoch)).collect(),
            current,
            first: 1,
            followed: Vec::new(),
            foreign: Vec::new(),
        })
    }

    /// The epoch that new objects are sealed with.
    ///
    /// # Errors
    /// [`Error::EpochUnknown`] when the key that opened the vault does not open it.
    pub(crate) fn newest(&self) -> Result<&Epoch, Error> {
        self.epoch(self.current, "what is written to the vault")
    }

    /// The secrets of the epoch that `object` names.
    ///
    /// # Errors
    /// [`Error::EpochUnknown`] when there are such secrets and this key does not open them; [`Error::Damaged`] when
    /// there are none (any more).
    pub(crate) fn epoch(&self, number: u32, object: impl std::fmt::Display) -> Result<&Epoch, Error> {
        self.epochs.get(&number).ok_or_else(|| {
            if number < self.lowest() {
                let reason = format!("it is sealed with key epoch {number}, which was given up");
                Error::damaged(object, reason)
            } else if number > self.current {
                Error::damaged(object, format!("it names key epoch {number}, which never began"))
            } else {
                Error::EpochUnknown {
                    object: object.to_string(),
                    epoch: number,
                }
            }
        })
    }

    /// The number of the epoch that new objects are sealed with.
    pub(crate) fn current(&self) -> u32 {
        self.current
    }

    /// The number of the oldest epoch; older ones were given up.
    pub(crate) fn lowest(&self) -> u32 {
        self.epochs.keys().next().copied().unwrap_or(self.current)
    }

    /// The epoch before which everything is to be sealed anew, where that is not done yet.
    pub(crate) fn leaked_before(&self) -> Option<u32> {
        let leaked = self.followed.iter().filter(|epoch| epoch.gives_up);
        let before = leaked.map(|epoch| epoch.number).max()?;
        (self.lowest() < before).then_some(before)
    }

    /// Whether epochs were given up, or are to be: then records may have been sealed anew.
    pub(crate) fn has_given_up(&self) -> bool {
        self.lowest() > 1 || self.followed.iter().any(|epoch| epoch.gives_up)
    }

    /// Whether somebody without the vault's secrets named this epoch.
    pub(crate) fn is_foreign(&self, number: u32) -> bool {
        self.foreign.contains(&number)
    }

    pub(crate) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// The key that chunk ids are made with.
    pub(crate) fn chunk_id_key(&self) -> &[u8; 32] {
        &self.chunk_id
    }
}

/// What proves that `vault.json` was written by somebody who knows the identity secret.
pub(crate) fn config_mac(identity: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let key = Zeroizing::new(blake3::derive_key(CONFIG_MAC, identity));
    *blake3::keyed_hash(&key, message).as_bytes()
}

/// The secrets of an epoch as they are kept: base64.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochSecrets {
    version: u32,
    identity: String,
    writer: String,
    secret: String,
}

impl std::fmt::Debug for EpochSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EpochSecrets(***)")
    }
}

impl EpochSecrets {
    pub(crate) fn of(identity: &[u8; 32], epoch: &Epoch) -> Self {
        let encode = |bytes: &[u8; 32]| wrapper::encode(bytes);
        Self {
            version: 1,
            identity: encode(identity),
            writer: encode(&epoch.writer),
            secret: encode(&epoch.secret),
        }
    }

    /// The identity secret and the epoch; `None` when they are not keys.
    pub(crate) fn to_epoch(&self, number: u32) -> Option<(Zeroizing<[u8; 32]>, Epoch)> {
        let decode = |text: &str| {
            let bytes = Zeroizing::new(wrapper::decode(text)?);
            <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
        };
        if self.version != 1 {
            return None;
        }
        let epoch = Epoch::new(number, decode(&self.writer)?, decode(&self.secret)?).ok()?;
        Some((decode(&self.identity)?, epoch))
    }
}
