//! Which epoch follows which. An epoch counts when the object that says so is there: it is created last, after the
//! epoch's secrets were sealed to every wrapper, so that a rotation that was killed has changed nothing. Another object
//! says that an epoch is the first that counts, once those before it were given up: what a rotation that slept stores of
//! them afterwards is believed by nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use ostler_store::{Key, Store};
use ostler_vocabulary::{OperationId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Epoch;
use super::announced::announce;
use super::unlock::load_wrappers;
use crate::config::Config;
use crate::envelope::{Mode, ObjectKind, seal_by, unseal_by};
use crate::objects::object_key;
use crate::{Error, Lease, Vault};

/// Where epochs that follow another are named. Whoever begins a backup or collects lists this folder anyway.
pub(crate) const EPOCHS: &str = "rounds/epoch-";
pub(super) const VERSION: u32 = 1;
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
    /// The epoch that it followed.
    pub after: Option<u32>,
}

/// The contents of the object that names an epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Activation {
    pub(super) version: u32,
    pub(super) at: Timestamp,
    pub(super) operation: OperationId,
    /// The epoch that it followed.
    pub(super) after: u32,
    pub(super) gives_up: bool,
    /// By the secret key of that epoch: hexadecimal.
    pub(super) proof: String,
}

/// The epoch that an object says to have followed another.
pub(crate) fn activated(key: &Key) -> Option<u32> {
    numbered(key.as_str().strip_prefix(EPOCHS)?)
}

/// The epoch whose secrets an object below `keys/` holds.
pub(crate) fn sealed_epoch(key: &Key) -> Option<u32> {
    numbered(key.as_str().rsplit_once("/epoch-")?.1)
}

/// A number as it is in names.
pub(super) fn numbered(digits: &str) -> Option<u32> {
    let is_plain = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

/// Where it is said that an epoch followed another.
pub(crate) fn activation_key(number: u32) -> Result<Key, Error> {
    object_key(format!("{EPOCHS}{number:08}"))
}

/// The plaintext of one of the objects here, which is sealed with the epoch that it names.
pub(super) fn open(config: &Config, key: &Key, epoch: &Epoch, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    unseal_by(
        config.suite,
        config.id,
        |other| match other == epoch.number {
            true => Ok(epoch),
            false => Err(Error::damaged(
                key,
                "it is sealed with another epoch than it names",
            )),
        },
        ObjectKind::Epoch,
        key,
        bytes,
    )
}

pub(super) async fn read(store: &Arc<dyn Store>, key: &Key) -> Result<Bytes, Error> {
    store.get(key).await.map_err(Error::store("read", key))
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
                after: None,
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
            let (key, sealed) = self.activation(before, &epoch, gives_up, operation)?;
            guard.confirm().await?;
            if !self.create_if_free(&key, sealed).await? {
                continue;
            }
            self.renew_keys().await?;
            if !self
                .keys()
                .followed
                .iter()
                .any(|info| info.number == epoch.number)
            {
                // Somebody removed its secrets while we slept, and others have their name.
                break;
            }
            self.remove_left_over(guard).await?;
            return Ok(epoch.number);
        }
        Err(Error::Conflict(
            "somebody else rotates the keys at the same time".to_owned(),
        ))
    }

    /// The object that says that an epoch followed this one.
    pub(crate) fn activation(
        &self,
        before: &Epoch,
        epoch: &Epoch,
        gives_up: bool,
        operation: OperationId,
    ) -> Result<(Key, Vec<u8>), Error> {
        let said = Activation {
            version: VERSION,
            at: self.clock().now(),
            operation,
            after: before.number,
            gives_up,
            proof: data_encoding::HEXLOWER.encode(&before.proof_of(self.id(), epoch)),
        };
        let (key, mut sealed) = self.seal_with(epoch, activation_key(epoch.number)?, &said)?;
        announce(before, self.id(), &key, &mut sealed);
        Ok((key, sealed))
    }

    pub(super) fn seal_with(
        &self,
        epoch: &Epoch,
        key: Key,
        said: &impl Serialize,
    ) -> Result<(Key, Vec<u8>), Error> {
        let json = serde_json::to_vec(said)
            .map_err(|error| Error::Internal(format!("could not write what an epoch is: {error}")))?;
        let (kind, mode) = (ObjectKind::Epoch, Mode::Writer);
        let sealed = seal_by(self.suite(), self.id(), epoch, kind, mode, &key, &json)?;
        Ok((key, sealed))
    }

    /// Seals the secrets of a new epoch to every wrapper, under a number that nobody used. `None` when somebody used it
    /// at the same time.
    pub(crate) async fn seal_new_epoch(&self) -> Result<Option<Epoch>, Error> {
        let (sealed, activations) = (self.objects("keys/").await?, self.objects(EPOCHS).await?);
        let used = sealed.iter().filter_map(|object| sealed_epoch(&object.key));
        let used = used.chain(activations.iter().filter_map(|object| activated(&object.key)));
        // Not after the highest: somebody may have used the last of all numbers.
        let (used, current) = (used.collect::<BTreeSet<u32>>(), self.keys().current());
        let mut free = (current + 1..).filter(|number| !used.contains(number));
        let number = free.next().unwrap_or(u32::MAX);
        let epoch = Epoch::random(number)?;
        let retired = self.retired().await?;
        let wrappers = load_wrappers(self.store())
            .await?
            .genuine(self.locks().is_some())?;
        for (wrapper, _) in wrappers {
            if retired.contains_key(&wrapper.id) {
                continue;
            }
            if !self.vouches_for(&wrapper) {
                let key = wrapper.id.as_str();
                tracing::warn!(key, "nobody vouches for a key: it gets no new secrets");
                continue;
            }
            let sealed = wrapper.seal_epoch(self.suite(), self.id(), self.keys().identity(), &epoch)?;
            let key = object_key(format!("keys/{}/epoch-{number:08}", wrapper.id))?;
            if !self.create_if_free(&key, sealed).await? {
                return Ok(None);
            }
        }
        Ok(Some(epoch))
    }

    /// Epochs that followed one which is to be given up, and are not the one that gives it up: a rotation that slept made
    /// them, or somebody with leaked secrets. Another rotation is needed before anything can be given up.
    #[must_use]
    pub fn stray_epochs(&self) -> Vec<u32> {
        let before = self.giving_up().unwrap_or(0);
        let is_stray =
            |epoch: &EpochInfo| epoch.number > before && epoch.after.is_some_and(|after| after < before);
        let strays = self.epochs().into_iter().filter(is_stray);
        strays.map(|epoch| epoch.number).collect()
    }
}
