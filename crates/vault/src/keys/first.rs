//! The first epoch that counts: an object that is created when the epochs before it were given up, before their secrets
//! go. Whatever is stored of those afterwards, such as by a rotation that slept, is believed by nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_store::{Key, Object, Store};
use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use super::Epoch;
use super::epochs::{EPOCHS, VERSION, activated, numbered, open, read, sealed_epoch};
use crate::config::Config;
use crate::envelope::ObjectKind;
use crate::objects::object_key;
use crate::{Error, Lease, Vault};

/// Ends the name of the object.
const FIRST: &str = ".first";

/// Its contents.
#[derive(Debug, Serialize, Deserialize)]
struct First {
    version: u32,
    at: Timestamp,
}

/// The epoch that an object says to be the first that counts.
pub(crate) fn first_epoch(key: &Key) -> Option<u32> {
    numbered(key.as_str().strip_prefix(EPOCHS)?.strip_suffix(FIRST)?)
}

fn first_key(number: u32) -> Result<Key, Error> {
    object_key(format!("{EPOCHS}{number:08}{FIRST}"))
}

/// The highest number that one of these objects gives and proves; 1 when nothing was ever given up.
pub(super) async fn first_that_counts(
    store: &Arc<dyn Store>,
    config: &Config,
    objects: &[Object],
    found: &[Epoch],
) -> Result<u32, Error> {
    let mut first = 1;
    for object in objects {
        let Some(number) = first_epoch(&object.key).filter(|number| *number > first) else {
            continue;
        };
        let Some(epoch) = found.iter().find(|epoch| epoch.number == number) else {
            continue;
        };
        let bytes = read(store, &object.key).await?;
        match open(config, &object.key, epoch, &bytes) {
            Ok(_) => first = number,
            // Whoever can write to the store can put something there: only who has the secrets is believed.
            Err(Error::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(first)
}

impl Vault {
    /// Says that the epochs before this one do not count any more, and removes their secrets from all wrappers.
    pub(crate) async fn begin_with(&self, number: u32, guard: &Lease) -> Result<(), Error> {
        let said = First {
            version: VERSION,
            at: self.clock().now(),
        };
        let (key, sealed) = {
            let (keys, key) = (self.keys(), first_key(number)?);
            self.seal_with(keys.epoch(number, &key)?, key.clone(), &said)?
        };
        guard.confirm().await?;
        self.create_if_free(&key, sealed).await?;
        self.renew_keys().await?;
        self.remove_left_over(guard).await
    }

    /// Whether an object that names the first epoch that counts was written by who had its secrets.
    pub(crate) async fn check_first_epoch(&self, key: &Key) -> Result<(), Error> {
        if first_epoch(key).is_some_and(|number| number < self.keys().lowest()) {
            // It was read by who has given up that one, too.
            return Ok(());
        }
        match self.read_if_there(key).await? {
            Some(bytes) => self.unseal(ObjectKind::Epoch, key, &bytes).map(drop),
            None => Ok(()),
        }
    }

    /// Removes secrets that count no more, and those that a rotation left when it was killed before it said that they
    /// count: they have sealed nothing.
    pub(crate) async fn remove_left_over(&self, guard: &Lease) -> Result<(), Error> {
        let (first, lowest, current) = {
            let keys = self.keys();
            (keys.first, keys.lowest(), keys.current())
        };
        let activations = self.objects(EPOCHS).await?;
        let known: BTreeSet<u32> = activations
            .iter()
            .filter_map(|object| activated(&object.key))
            .collect();
        let is_left_over =
            |number: u32| number < first || (number > lowest && number < current && !known.contains(&number));
        guard.confirm().await?;
        for object in self.objects("keys/").await? {
            if sealed_epoch(&object.key).is_some_and(is_left_over) {
                self.remove_unless_locked(&object.key).await?;
            }
        }
        Ok(())
    }
}
