//! From what the user has to the vault's secrets; and to newer secrets while a vault is open.

use std::sync::Arc;

use ostler_store::Store;
use ostler_vocabulary::{Classified, ErrorKind};
use zeroize::Zeroizing;

use super::epochs;
use super::wrapper::{Tried, WrapperSecret};
use super::{Epoch, Keyring, Wrapper};
use crate::config::Config;
use crate::{Error, Unlock, Vault, objects};

/// The wrapper that a vault was opened by, and its secret half.
#[derive(Debug)]
pub(crate) struct OpenedBy {
    pub(crate) wrapper: String,
    secret: WrapperSecret,
}

impl OpenedBy {
    pub(crate) fn new(wrapper: &Wrapper, secret: WrapperSecret) -> Self {
        Self {
            wrapper: wrapper.id.clone(),
            secret,
        }
    }
}

/// Every wrapper with the bytes of its file.
pub(super) async fn load_wrappers(store: &Arc<dyn Store>) -> Result<Vec<(Wrapper, bytes::Bytes)>, Error> {
    let mut wrappers = Vec::new();
    for object in objects::list(store, "keys/").await? {
        let id = object
            .key
            .as_str()
            .strip_prefix("keys/")
            .and_then(|name| name.strip_suffix("/wrapper.json"));
        if let Some(id) = id {
            let bytes = store
                .get(&object.key)
                .await
                .map_err(Error::store("read", &object.key))?;
            wrappers.push((Wrapper::parse(object.key.as_str(), id, &bytes)?, bytes));
        }
    }
    Ok(wrappers)
}

/// Opens the first wrapper that one of the given keys opens, and all its epochs.
pub(crate) async fn unlock(
    store: &Arc<dyn Store>,
    config: &Config,
    unlock: &[Unlock],
) -> Result<(Keyring, OpenedBy), Error> {
    let wrappers = load_wrappers(store).await?;
    let accepted = || {
        let mut kinds: Vec<String> = wrappers
            .iter()
            .map(|(wrapper, _)| wrapper.method.kind().1.to_owned())
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    if wrappers.is_empty() {
        return Err(Error::damaged("keys/", "no wrapper is there"));
    }
    if unlock.is_empty() {
        return Err(Error::KeyNeeded {
            location: store.location().to_owned(),
            accepted: accepted(),
        });
    }
    for (wrapper, bytes) in &wrappers {
        for unlock in unlock {
            if let Some(secret) = try_key(config, wrapper, bytes, unlock).await? {
                let opened_by = OpenedBy::new(wrapper, secret);
                let keys = load_keys(store, config, &opened_by, false).await?;
                let none = || Error::damaged(format!("keys/{}", wrapper.id), "no key epoch is there");
                return Ok((keys.ok_or_else(none)?, opened_by));
            }
        }
    }
    Err(Error::WrongKey {
        location: store.location().to_owned(),
        accepted: accepted(),
    })
}

/// The secret half of a wrapper, when this key opens it.
pub(super) async fn try_key(
    config: &Config,
    wrapper: &Wrapper,
    bytes: &bytes::Bytes,
    unlock: &Unlock,
) -> Result<Option<WrapperSecret>, Error> {
    let (suite, vault) = (config.suite, config.id);
    let (wrapper, bytes, unlock) = (wrapper.clone(), bytes.clone(), unlock.clone());
    // Argon2 takes long enough to be kept away from the runtime's threads.
    let tried = tokio::task::spawn_blocking(move || wrapper.open(suite, vault, &bytes, &unlock))
        .await
        .map_err(|error| Error::Internal(format!("opening a wrapper ended early: {error}")))??;
    Ok(match tried {
        Tried::Opened(secret) => Some(secret),
        Tried::NotThis => None,
    })
}

/// The secrets of all epochs that a wrapper opens and that followed one another as they should. `always` asks for what
/// followed what also where the wrapper has one epoch only. `None` when the wrapper has none: it was removed.
pub(super) async fn load_keys(
    store: &Arc<dyn Store>,
    config: &Config,
    by: &OpenedBy,
    always: bool,
) -> Result<Option<Keyring>, Error> {
    let folder = format!("keys/{}/epoch-", by.wrapper);
    let mut sealed = objects::list(store, &folder).await?;
    let mut activations = Vec::new();
    if always || sealed.len() > 1 {
        activations = objects::list(store, epochs::EPOCHS).await?;
        let newest = activations
            .iter()
            .filter_map(|object| epochs::activated(&object.key));
        // Secrets are sealed before they are followed: they may be there by now.
        let highest = sealed
            .iter()
            .filter_map(|object| epochs::sealed_epoch(&object.key))
            .max();
        if newest.max() > highest {
            sealed = objects::list(store, &folder).await?;
        }
    }
    let mut identity = None;
    let (mut found, mut unreadable): (Vec<Epoch>, Vec<Unreadable>) = (Vec::new(), Vec::new());
    for object in &sealed {
        let Some(number) = epochs::sealed_epoch(&object.key) else {
            continue;
        };
        let bytes = match store.get(&object.key).await {
            Ok(bytes) => bytes,
            // Given up since the listing.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::store("read", &object.key)(error)),
        };
        let opened = by
            .secret
            .open_epoch(config.suite, config.id, &by.wrapper, number, &bytes);
        match opened {
            Ok((its, epoch)) => {
                identity = Some(its);
                found.push(epoch);
            }
            Err(error) => unreadable.push(Unreadable { number, error }),
        }
    }
    let Some(identity): Option<Zeroizing<[u8; 32]>> = identity else {
        return unreadable.pop().map_or(Ok(None), |one| Err(one.error));
    };
    epochs::that_count(store, config, &activations, &identity, (found, unreadable))
        .await
        .map(Some)
}

/// Bytes where the secrets of an epoch should be.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) number: u32,
    pub(super) error: Error,
}

impl Vault {
    /// Loads the secrets of newer epochs, when one is named that is not known: somebody rotated the keys since this
    /// vault was opened.
    pub(crate) async fn learn(&self, epoch: u32) -> Result<(), Error> {
        match epoch > self.keys().current() {
            true => self.renew_keys().await,
            false => Ok(()),
        }
    }

    /// As [`Vault::learn`], of the epoch that a sealed object names.
    pub(crate) async fn learn_from(&self, sealed: &[u8]) -> Result<(), Error> {
        match crate::envelope::epoch_of(sealed) {
            Some(epoch) => self.learn(epoch).await,
            None => Ok(()),
        }
    }

    /// Loads the secrets of all epochs again.
    pub(crate) async fn renew_keys(&self) -> Result<(), Error> {
        let Some(by) = self.opened_by() else {
            return Ok(());
        };
        match load_keys(self.store(), self.config(), by, true).await? {
            Some(keys) => {
                self.set_keys(keys);
                Ok(())
            }
            None => Err(Error::KeyRemoved(by.wrapper.clone())),
        }
    }
}
