//! Which epoch follows which. An epoch counts when the object that says so is there: it is created last, after the
//! epoch's secrets were sealed to every wrapper, so that a rotation that was killed has changed nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_store::{Key, Object, Store};
use ostler_vocabulary::{OperationId, Timestamp};
use serde::{Deserialize, Serialize};

use super::unlock::load_wrappers;
use super::{Epoch, Keyring};
use crate::cipher::constant_time_eq;
use crate::config::Config;
use crate::envelope::{Mode, ObjectKind, seal_by, unseal_by};
use crate::objects::object_key;
use crate::{Error, Lease, Vault};

/// Where epochs that follow another are named. Whoever begins a backup or collects lists this folder anyway.
pub(crate) const EPOCHS: &str = "rounds/epoch-";
const VERSION: u32 = 1;
/// How often another number is tried, where the wrappers hold secrets that a rotation left when it was killed.
const TRIES: u32 = 8;

/// A key epoch that followed another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochInfo {
    /// Its number.
    pub number: u32,
    /// When it was made; `None` for the first one of a vault.
    pub made: Option<Timestamp>,
    /// Whether the epochs before it are given up: everything is sealed anew, and then they go.
    pub gives_up: bool,
    /// The operation that made it.
    pub operation: Option<OperationId>,
}

/// The contents of the object that names an epoch.
#[derive(Debug, Serialize, Deserialize)]
struct Activation {
    version: u32,
    at: Timestamp,
    operation: OperationId,
    /// The epoch that it followed.
    after: u32,
    gives_up: bool,
    /// By the secret key of that epoch: hexadecimal.
    proof: String,
}

/// The epoch that an object names.
pub(crate) fn activated(key: &Key) -> Option<u32> {
    let digits = key.as_str().strip_prefix(EPOCHS)?;
    let is_plain = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

fn activation_key(number: u32) -> Result<Key, Error> {
    object_key(format!("{EPOCHS}{number:08}"))
}

/// What is known of the order of epochs.
#[derive(Debug, Default)]
pub(super) struct Followed {
    infos: Vec<EpochInfo>,
    highest: Option<u32>,
}

impl Followed {
    /// Takes on what an object says, when its epoch is among those that the wrapper opens.
    pub(super) async fn read(
        &mut self,
        store: &Arc<dyn Store>,
        config: &Config,
        object: &Object,
        epochs: &[Epoch],
    ) -> Result<(), Error> {
        let key = &object.key;
        let Some(number) = activated(key) else {
            return Ok(());
        };
        self.highest = self.highest.max(Some(number));
        let of = |number| epochs.iter().find(|epoch| epoch.number == number);
        let Some(epoch) = of(number) else { return Ok(()) };
        let bytes = store.get(key).await.map_err(Error::store("read", key))?;
        let damaged = |reason: &str| Error::damaged(key, reason);
        let json = unseal_by(
            config.suite,
            config.id,
            |other| match other == number {
                true => Ok(epoch),
                false => Err(damaged("it is sealed with another epoch than it names")),
            },
            ObjectKind::Epoch,
            key,
            &bytes,
        )?;
        let said: Activation = serde_json::from_slice(&json).map_err(|_| damaged("it cannot be read"))?;
        if said.version != VERSION || said.after >= number {
            return Err(damaged("it does not say what it should"));
        }
        let lowest = epochs.iter().map(|epoch| epoch.number).min();
        match of(said.after) {
            Some(before) => {
                let expected = data_encoding::HEXLOWER.encode(&before.proof_of(config.id, epoch));
                if !constant_time_eq(expected.as_bytes(), said.proof.as_bytes()) {
                    return Err(damaged(
                        "whoever made it did not have the secrets of the epoch before",
                    ));
                }
            }
            // What it followed was given up, and nobody can prove anything by that.
            None if Some(said.after) < lowest => {}
            None => return Err(damaged("the epoch that it followed is not there")),
        }
        self.infos.push(EpochInfo {
            number,
            made: Some(said.at),
            gives_up: said.gives_up,
            operation: Some(said.operation),
        });
        Ok(())
    }

    /// The secrets that count: the oldest, and those that followed.
    pub(super) fn into_keyring(self, identity: &[u8; 32], mut epochs: Vec<Epoch>) -> Result<Keyring, Error> {
        let lowest = epochs.iter().map(|epoch| epoch.number).min();
        let known: BTreeSet<u32> = self.infos.iter().map(|info| info.number).collect();
        epochs.retain(|epoch| Some(epoch.number) == lowest || known.contains(&epoch.number));
        let mut keys = Keyring::new(identity, epochs)?;
        keys.current = self.highest.unwrap_or(keys.current).max(keys.current);
        keys.followed = self.infos;
        Ok(keys)
    }
}

impl Vault {
    /// The key epochs that this vault's key opens, oldest first.
    #[must_use]
    pub fn epochs(&self) -> Vec<EpochInfo> {
        let keys = self.keys();
        let info = |number: &u32| {
            let followed = keys.followed.iter().find(|info| info.number == *number);
            followed.cloned().unwrap_or(EpochInfo {
                number: *number,
                made: None,
                gives_up: false,
                operation: None,
            })
        };
        keys.epochs.keys().map(info).collect()
    }

    /// The number of the epoch that new objects are sealed with.
    #[must_use]
    pub fn current_epoch(&self) -> u32 {
        self.keys().current()
    }

    /// Begins a new key epoch: whoever begins to write from now on uses it. Its secrets are sealed to every wrapper
    /// first, then it is said to count. What was written before stays as it is; with `gives_up` it is to be sealed
    /// anew by [`Vault::give_up_old_epochs`].
    ///
    /// # Errors
    /// [`Error::Conflict`] when the epoch is not `after` any more, unless this operation has made the next one already;
    /// [`Error::Unsupported`] for a vault without keys.
    pub async fn rotate(
        &self,
        after: u32,
        gives_up: bool,
        operation: OperationId,
        guard: &Lease,
    ) -> Result<u32, Error> {
        if self.opened_by().is_none() {
            return Err(Error::Unsupported("a vault that is not encrypted has no keys"));
        }
        self.renew_keys().await?;
        let keys = self.keys();
        if keys.current != after {
            let info = keys.followed.iter().find(|info| info.number == keys.current);
            return match info {
                Some(info) if info.operation == Some(operation) => Ok(info.number),
                _ => Err(Error::Conflict(format!(
                    "the keys were rotated meanwhile: epoch {} is in use",
                    keys.current
                ))),
            };
        }
        let before = keys.newest()?;
        for _ in 0..TRIES {
            guard.confirm().await?;
            let Some(epoch) = self.seal_new_epoch().await? else {
                continue;
            };
            let said = Activation {
                version: VERSION,
                at: self.clock().now(),
                operation,
                after,
                gives_up,
                proof: data_encoding::HEXLOWER.encode(&before.proof_of(self.id(), &epoch)),
            };
            let json = serde_json::to_vec(&said)
                .map_err(|error| Error::Internal(format!("could not write what an epoch is: {error}")))?;
            let key = activation_key(epoch.number)?;
            let sealed = seal_by(
                self.suite(),
                self.id(),
                &epoch,
                ObjectKind::Epoch,
                Mode::Writer,
                &key,
                &json,
            )?;
            guard.confirm().await?;
            if !self.create_if_free(&key, sealed).await? {
                continue;
            }
            self.renew_keys().await?;
            self.remove_half_made(guard).await?;
            return Ok(epoch.number);
        }
        Err(Error::Conflict(
            "somebody else rotates the keys at the same time".to_owned(),
        ))
    }

    /// Seals the secrets of a new epoch to every wrapper, under a number that nobody used. `None` when somebody used it
    /// at the same time.
    async fn seal_new_epoch(&self) -> Result<Option<Epoch>, Error> {
        let mut used: Vec<u32> = Vec::new();
        for object in self.objects("keys/").await? {
            let digits = object
                .key
                .as_str()
                .rsplit_once("/epoch-")
                .map(|(_, digits)| digits);
            used.extend(digits.and_then(|digits| digits.parse::<u32>().ok()));
        }
        let activations = self.objects(EPOCHS).await?;
        used.extend(activations.iter().filter_map(|object| activated(&object.key)));
        let number = used.into_iter().max().unwrap_or(0) + 1;
        let epoch = Epoch::random(number)?;
        for (wrapper, _) in load_wrappers(self.store()).await? {
            let sealed = wrapper.seal_epoch(self.suite(), self.id(), self.keys().identity(), &epoch)?;
            let key = object_key(format!("keys/{}/epoch-{number:08}", wrapper.id))?;
            if !self.create_if_free(&key, sealed).await? {
                return Ok(None);
            }
        }
        Ok(Some(epoch))
    }

    /// Removes secrets that a rotation left when it was killed before it said that they count: they have sealed nothing.
    async fn remove_half_made(&self, guard: &Lease) -> Result<(), Error> {
        let current = self.keys().current();
        let lowest = self.keys().lowest();
        let activations = self.objects(EPOCHS).await?;
        let known: BTreeSet<u32> = activations
            .iter()
            .filter_map(|object| activated(&object.key))
            .collect();
        guard.confirm().await?;
        for object in self.objects("keys/").await? {
            let digits = object
                .key
                .as_str()
                .rsplit_once("/epoch-")
                .map(|(_, digits)| digits);
            let number = digits.and_then(|digits| digits.parse::<u32>().ok());
            if number.is_some_and(|number| number > lowest && number < current && !known.contains(&number)) {
                self.remove(&object.key).await?;
            }
        }
        Ok(())
    }
}
