//! From what the user has to the vault's secrets; and to newer secrets while a vault is open.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, try_join};
use ostler_store::{Key, Object, Store};
use ostler_vocabulary::{Classified, ErrorKind};
use zeroize::Zeroizing;

use super::epochs::{EPOCHS, activated, sealed_epoch};
use super::followed::that_count;
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

    /// Whether it is this one.
    pub(super) fn is(&self, wrapper: &Wrapper) -> bool {
        self.wrapper == wrapper.id && self.secret.belongs_to(wrapper)
    }
}

/// What is at the places of wrappers.
#[derive(Debug, Default)]
pub(super) struct Wrappers {
    /// Every wrapper with the bytes of its file.
    pub(super) readable: Vec<(Wrapper, Bytes)>,
    /// What cannot be read, and why.
    pub(super) unreadable: Vec<Error>,
}

impl Wrappers {
    /// Those that can be read. In a store that `locked` what it holds none can have been spoiled: what cannot be read was
    /// put there by somebody else.
    pub(super) fn genuine(self, locked: bool) -> Result<Vec<(Wrapper, Bytes)>, Error> {
        match self.unreadable.into_iter().next() {
            Some(error) if !locked => Err(error),
            _ => Ok(self.readable),
        }
    }
}

/// Below this are the ways to open a vault, and what they open.
pub(crate) const KEYS: &str = "keys/";
/// Requests in flight.
const AT_ONCE: usize = 8;

/// What is sealed to a wrapper: the epoch's number, and the bytes.
type Sealed = Vec<(u32, Bytes)>;

pub(super) async fn load_wrappers(store: &Arc<dyn Store>) -> Result<Wrappers, Error> {
    read_wrappers(store, &objects::list(store, KEYS).await?).await
}

/// The name of the wrapper whose file an object is.
fn wrapper_of(key: &Key) -> Option<&str> {
    key.as_str().strip_prefix(KEYS)?.strip_suffix("/wrapper.json")
}

async fn read_wrappers(store: &Arc<dyn Store>, listed: &[Object]) -> Result<Wrappers, Error> {
    let files: Vec<(Key, String)> = listed
        .iter()
        .filter_map(|object| Some((object.key.clone(), wrapper_of(&object.key)?.to_owned())))
        .collect();
    let read: Vec<(Key, String, Bytes)> = stream::iter(files)
        .map(|(key, id)| async move {
            let bytes = store.get(&key).await.map_err(Error::store("read", &key))?;
            Ok::<_, Error>((key, id, bytes))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut wrappers = Wrappers::default();
    for (key, id, bytes) in read {
        match Wrapper::parse(key.as_str(), &id, &bytes) {
            Ok(wrapper) => wrappers.readable.push((wrapper, bytes)),
            Err(error) => {
                tracing::warn!(%error, "passing over a key that cannot be read");
                wrappers.unreadable.push(error);
            }
        }
    }
    Ok(wrappers)
}

/// The sealed secrets among these objects.
async fn read_sealed(store: &Arc<dyn Store>, listed: &[Object]) -> Result<Sealed, Error> {
    let numbered: Vec<(Key, u32)> = listed
        .iter()
        .filter_map(|object| Some((object.key.clone(), sealed_epoch(&object.key)?)))
        .collect();
    stream::iter(numbered)
        .map(|(key, number)| async move {
            match store.get(&key).await {
                Ok(bytes) => Ok(Some((number, bytes))),
                // Given up since the listing.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::store("read", &key)(error)),
            }
        })
        .buffered(AT_ONCE)
        .try_filter_map(|read| std::future::ready(Ok(read)))
        .try_collect()
        .await
}

/// Opens the first wrapper that one of the given keys opens, and all its epochs. `listed` is what is below [`KEYS`], in a
/// store that `locked` what it holds, or not.
pub(crate) async fn unlock(
    store: &Arc<dyn Store>,
    config: &Config,
    unlock: &[Unlock],
    (listed, locked): (&[Object], bool),
) -> Result<(Keyring, OpenedBy), Error> {
    let mut ids = listed.iter().filter_map(|object| wrapper_of(&object.key));
    // Where there is one wrapper, it is known what will be opened: one round trip less.
    let only = ids.next().filter(|_| ids.next().is_none());
    let ahead = async {
        match only {
            Some(id) => read_sealed(store, &below(listed, &epoch_folder(id)))
                .await
                .map(Some),
            None => Ok(None),
        }
    };
    let (wrappers, mut ahead) = try_join!(read_wrappers(store, listed), ahead)?;
    let Wrappers {
        readable: wrappers,
        unreadable,
    } = wrappers;
    let mut damaged = unreadable.into_iter().next();
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
        let none = || Error::damaged("keys/", "no wrapper is there");
        return Err(damaged.unwrap_or_else(none));
    }
    if unlock.is_empty() {
        return Err(Error::KeyNeeded {
            location: store.location().to_owned(),
            accepted: accepted(),
        });
    }
    for (wrapper, bytes) in &wrappers {
        for unlock in unlock {
            let tried = match (try_key(config, wrapper, bytes, unlock).await, unlock) {
                // The parameters of a passphrase are the wrapper's.
                (Err(error @ Error::Damaged { .. }), _)
                | (Err(error @ Error::BadKey { .. }), Unlock::Passphrase(_)) => {
                    tracing::warn!(%error, "passing over a key that is not what was made");
                    damaged.get_or_insert(error);
                    continue;
                }
                (tried, _) => tried?,
            };
            if let Some(secret) = tried {
                let opened_by = OpenedBy::new(wrapper, secret);
                let sealed = (below(listed, &epoch_folder(&wrapper.id)), ahead.take());
                let keys = keys_of(store, config, &opened_by, sealed, (locked, false)).await?;
                let none = || Error::damaged(format!("keys/{}", wrapper.id), "no key epoch is there");
                return Ok((keys.ok_or_else(none)?, opened_by));
            }
        }
    }
    // It may be this one that the key is for.
    Err(damaged.unwrap_or_else(|| Error::WrongKey {
        location: store.location().to_owned(),
        accepted: accepted(),
    }))
}

/// The secret half of a wrapper, when this key opens it.
pub(super) async fn try_key(
    config: &Config,
    wrapper: &Wrapper,
    bytes: &Bytes,
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

/// Where the secrets are that are sealed to a wrapper.
fn epoch_folder(wrapper: &str) -> String {
    format!("{KEYS}{wrapper}/epoch-")
}

fn below(listed: &[Object], prefix: &str) -> Vec<Object> {
    let below = |object: &&Object| object.key.as_str().starts_with(prefix);
    listed.iter().filter(below).cloned().collect()
}

/// The secrets of all epochs that a wrapper opens and that followed one another as they should, in a store that `locked`
/// what it holds, or not. `None` when the wrapper has none: it was removed.
pub(super) async fn load_keys(
    store: &Arc<dyn Store>,
    config: &Config,
    by: &OpenedBy,
    locked: bool,
) -> Result<Option<Keyring>, Error> {
    let listed = objects::list(store, &epoch_folder(&by.wrapper)).await?;
    keys_of(store, config, by, (listed, None), (locked, true)).await
}

/// As [`load_keys`], of what was listed, and read where it was. `always` asks for what followed what also where the wrapper
/// has one epoch only.
async fn keys_of(
    store: &Arc<dyn Store>,
    config: &Config,
    by: &OpenedBy,
    (mut listed, mut read): (Vec<Object>, Option<Sealed>),
    (locked, always): (bool, bool),
) -> Result<Option<Keyring>, Error> {
    let mut activations = Vec::new();
    if always || listed.len() > 1 {
        activations = objects::list(store, EPOCHS).await?;
        let newest = activations.iter().filter_map(|object| activated(&object.key));
        // Secrets are sealed before they are followed: they may be there by now.
        let highest = listed.iter().filter_map(|object| sealed_epoch(&object.key)).max();
        if newest.max() > highest {
            listed = objects::list(store, &epoch_folder(&by.wrapper)).await?;
            read = None;
        }
    }
    let sealed = match read {
        Some(read) => read,
        None => read_sealed(store, &listed).await?,
    };
    let mut identity = None;
    let (mut found, mut unreadable): (Vec<Epoch>, Vec<Unreadable>) = (Vec::new(), Vec::new());
    for (number, bytes) in sealed {
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
    that_count(
        store,
        config,
        locked,
        &activations,
        &identity,
        (found, unreadable),
    )
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

    /// Makes sure that the newest epoch is known that was begun before this.
    pub(crate) async fn learn_newest(&self) -> Result<(), Error> {
        let begun = self.objects(EPOCHS).await?;
        match begun.iter().filter_map(|object| activated(&object.key)).max() {
            Some(epoch) => self.learn(epoch).await,
            None => Ok(()),
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
        match load_keys(self.store(), self.config(), by, self.locks().is_some()).await? {
            Some(keys) => {
                self.set_keys(keys);
                Ok(())
            }
            None => Err(Error::KeyRemoved(by.wrapper.clone())),
        }
    }
}
