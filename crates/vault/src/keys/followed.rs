//! Which of the epochs whose secrets are there count, by the objects that say which followed which.

use std::sync::Arc;

use ostler_store::{Key, Object, Store};

use super::announced::announced_by;
use super::epochs::{Activation, EpochInfo, VERSION, activated, open, read};
use super::first::first_that_counts;
use super::unlock::Unreadable;
use super::{Epoch, Keyring};
use crate::Error;
use crate::cipher::constant_time_eq;
use crate::config::Config;

/// The epochs of a wrapper that count, by what the objects of [`super::epochs::EPOCHS`] say. What cannot be of anybody who had the secrets
/// is passed over: whoever can write to the store can create any name. Where objects are `locked` that goes for those too
/// that do not open with the secrets that are there, because what was right once is there still; elsewhere for those of them
/// that no later epoch followed, as a rotation that slept leaves one when its secrets were removed and others took their name.
///
/// # Errors
/// [`Error::Damaged`] when one of these is not what it should be.
pub(super) async fn that_count(
    store: &Arc<dyn Store>,
    config: &Config,
    locked: bool,
    objects: &[Object],
    identity: &[u8; 32],
    (mut found, unreadable): (Vec<Epoch>, Vec<Unreadable>),
) -> Result<Keyring, Error> {
    let first = first_that_counts(store, config, objects, &found).await?;
    found.retain(|epoch| epoch.number >= first);
    pass_over(unreadable, first, found.iter().map(|epoch| epoch.number).min())?;
    let mut followed = Followed {
        root: found.iter().map(|epoch| epoch.number).min().unwrap_or(first),
        infos: Vec::new(),
        highest: first,
        foreign: Vec::new(),
        damaged: Vec::new(),
        locked,
    };
    let mut activations: Vec<(u32, &Key)> = objects
        .iter()
        .filter_map(|object| activated(&object.key).map(|number| (number, &object.key)))
        .collect();
    // Each follows a lower one.
    activations.sort();
    for (number, key) in activations {
        if number >= followed.root {
            let bytes = read(store, key).await?;
            followed.take(config, number, key, &bytes, &found)?;
        }
    }
    followed.leave_out_damaged()?;
    found.retain(|epoch| followed.counts(epoch.number));
    let mut keys = Keyring::new(identity, found)?;
    keys.current = followed.highest.max(keys.current);
    keys.first = first;
    keys.followed = followed.infos;
    keys.foreign = followed.foreign;
    Ok(keys)
}

/// Whoever can write to the store can put rubbish where secrets were given up, or where none are yet. Only what the
/// oldest epoch needs has to be readable: a later one that is not is one that this wrapper does not have.
fn pass_over(unreadable: Vec<Unreadable>, first: u32, oldest: Option<u32>) -> Result<(), Error> {
    for Unreadable { number, error } in unreadable {
        if number >= first && oldest.is_none_or(|oldest| number < oldest) {
            return Err(error);
        }
        tracing::warn!(number, %error, "passing over what cannot be the secrets of a key epoch");
    }
    Ok(())
}

/// What is known of the order of epochs.
#[derive(Debug)]
struct Followed {
    /// The oldest epoch: it counts without having followed another that is known.
    root: u32,
    infos: Vec<EpochInfo>,
    highest: u32,
    /// What no secrets vouch for.
    foreign: Vec<u32>,
    /// What does not open with the secrets that are there.
    damaged: Vec<(u32, Error)>,
    /// Whether nobody can have spoiled what was right once.
    locked: bool,
}

impl Followed {
    fn counts(&self, number: u32) -> bool {
        number == self.root || self.infos.iter().any(|info| info.number == number)
    }

    fn pass_over(&mut self, number: u32, key: &Key) {
        tracing::warn!(%key, "passing over what nobody made who has the vault's secrets");
        self.foreign.push(number);
    }

    /// Passes over what is damaged, unless it may be the newest.
    fn leave_out_damaged(&mut self) -> Result<(), Error> {
        for (number, error) in std::mem::take(&mut self.damaged) {
            if number > self.highest {
                return Err(error);
            }
            tracing::warn!(number, %error, "passing over a key epoch that no later one followed");
            self.foreign.push(number);
        }
        Ok(())
    }

    /// Takes on what an object says.
    fn take(
        &mut self,
        config: &Config,
        number: u32,
        key: &Key,
        bytes: &[u8],
        found: &[Epoch],
    ) -> Result<(), Error> {
        let of = |number| found.iter().find(|epoch| epoch.number == number);
        let Some(epoch) = of(number) else {
            match announced_by(found, config.id, key, bytes) {
                Some(before) if before < number && self.counts(before) => self.highest = number,
                _ => self.pass_over(number, key),
            }
            return Ok(());
        };
        let damaged = |reason: &str| Error::damaged(key, reason);
        let json = match open(config, key, epoch, bytes) {
            // The oldest needs nobody to vouch for it.
            Err(Error::Damaged { .. }) if self.locked || number == self.root => {
                self.pass_over(number, key);
                return Ok(());
            }
            Err(error @ Error::Damaged { .. }) => {
                self.damaged.push((number, error));
                return Ok(());
            }
            opened => opened?,
        };
        let said: Activation = serde_json::from_slice(&json).map_err(|_| damaged("it cannot be read"))?;
        if said.version != VERSION || said.after >= number {
            return Err(damaged("it does not say what it should"));
        }
        if number > self.root {
            if let Some(at) = self.damaged.iter().position(|(number, _)| *number == said.after) {
                return Err(self.damaged.swap_remove(at).1);
            }
            if !self.counts(said.after) {
                // What it followed was given up before it was said to count: nothing proves it.
                return match said.after < self.root || of(said.after).is_some() {
                    true => Ok(()),
                    false => Err(damaged("the epoch that it followed is not there")),
                };
            }
            let proof = of(said.after).map(|before| before.proof_of(config.id, epoch));
            let expected = proof.map(|proof| data_encoding::HEXLOWER.encode(&proof));
            if !expected.is_some_and(|proof| constant_time_eq(proof.as_bytes(), said.proof.as_bytes())) {
                return Err(damaged(
                    "whoever made it did not have the secrets of the epoch before",
                ));
            }
        }
        self.highest = number;
        self.infos.push(EpochInfo {
            number,
            made: Some(said.at),
            gives_up: said.gives_up,
            operation: Some(said.operation),
            after: Some(said.after),
        });
        Ok(())
    }
}
