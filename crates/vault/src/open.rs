//! Making a vault, and opening one.

use std::path::Path;
use std::sync::Arc;

use ostler_store::{Key, Store};
use ostler_vocabulary::{Classified, Clock, ErrorKind, Timestamp, VaultId};
use zeroize::Zeroizing;

use crate::cipher;
use crate::cipher::Suite;
use crate::config::{self, Config};
use crate::host::Host;
use crate::index::Cache;
use crate::keys::{Epoch, EpochSecrets, FileKey, Keyring, Protection, Tried, Wrapper, check_recipient};
use crate::{
    Algorithm, Error, Index, InitOptions, Initialised, PassphraseCost, Protect, Reader, Unlock, Upload,
    WrapperInfo, objects,
};

/// An open vault. Cheap to clone behind an `Arc`.
#[derive(Debug)]
pub struct Vault {
    store: Arc<dyn Store>,
    config: Config,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    host: Host,
    /// Where the index of a large vault is kept, and from how many bytes of segments on.
    cache: Option<(Cache, u64)>,
}

/// Indexes of which the segments have so many bytes, about half a million chunks, are kept in memory.
const IN_MEMORY: u64 = 32 << 20;

impl Vault {
    /// Makes a vault in a store. `vault.json` is written last: without it there is no vault, and an interrupted
    /// `init` is simply made again.
    ///
    /// # Errors
    /// [`Error::VaultExists`] when there is one, [`Error::BadKey`] for a recipient or passphrase that cannot be used.
    pub async fn init(store: Arc<dyn Store>, options: InitOptions) -> Result<Initialised, Error> {
        let suite = if options.protect.is_empty() {
            Suite::None
        } else {
            Suite::fastest()
        };
        Self::init_with(store, options, suite).await
    }

    /// As [`Vault::init`], encrypted by this algorithm rather than by the one that is faster on this machine.
    ///
    /// # Errors
    /// As [`Vault::init`]; [`Error::BadKey`] when nothing protects the key.
    pub async fn init_by(
        store: Arc<dyn Store>,
        options: InitOptions,
        algorithm: Algorithm,
    ) -> Result<Initialised, Error> {
        if options.protect.is_empty() {
            return Err(Error::BadKey {
                what: "the key of an encrypted vault",
                reason: "nothing protects it".to_owned(),
            });
        }
        Self::init_with(store, options, Suite::of(algorithm)).await
    }

    pub(crate) async fn init_with(
        store: Arc<dyn Store>,
        options: InitOptions,
        suite: Suite,
    ) -> Result<Initialised, Error> {
        let at = config::key()?;
        match store.head(&at).await {
            Ok(_) => return Err(Error::VaultExists(store.location().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::first_contact("look up", &at, error)),
        }
        let id = VaultId::random();
        let created = options.clock.now();
        let identity = Zeroizing::new(cipher::random::<32>()?);
        let epoch = Epoch::random(1)?;
        let mut key_file = None;
        for protect in &options.protect {
            let file = match protect {
                Protect::KeyFile => Some(FileKey::random()?),
                _ => None,
            };
            let protection = match (protect, &file) {
                (Protect::Passphrase(passphrase), _) => {
                    Protection::Passphrase(passphrase, PassphraseCost::default())
                }
                (Protect::PassphraseAt(passphrase, cost), _) => Protection::Passphrase(passphrase, *cost),
                (Protect::AgeRecipients(recipients), _) => {
                    recipients.iter().try_for_each(|text| check_recipient(text))?;
                    Protection::Age(recipients)
                }
                (Protect::KeyFile, Some(file)) => Protection::KeyFile(file),
                (Protect::KeyFile, None) => unreachable!("made above"),
            };
            if let Protection::Passphrase(passphrase, _) = &protection
                && passphrase.reveal().is_empty()
            {
                return Err(Error::BadKey {
                    what: "the passphrase",
                    reason: "it is empty".to_owned(),
                });
            }
            let (wrapper, bytes) = Wrapper::make(suite, id, &identity, created, &protection)?;
            let sealed = wrapper.seal_epoch(suite, id, &identity, &epoch)?;
            create(
                &*store,
                &format!("keys/{}/epoch-{:08}", wrapper.id, epoch.number),
                sealed,
            )
            .await?;
            create(&*store, &format!("keys/{}/wrapper.json", wrapper.id), bytes).await?;
            if let Some(file) = file {
                key_file = Some(file.to_text(id, created));
            }
        }
        let secrets = (suite == Suite::None).then(|| EpochSecrets::of(&identity, &epoch));
        let (config, bytes) = Config::make(id, created, suite, &identity, secrets)?;
        match store.create(&at, bytes.into()).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::VaultExists(store.location().to_owned()));
            }
            Err(error) => return Err(Error::store("create", &at)(error)),
        }
        let vault = Self {
            keys: Arc::new(Keyring::new(&identity, vec![epoch])?),
            store,
            config,
            clock: options.clock,
            host: Host::current()?,
            cache: None,
        };
        Ok(Initialised { vault, key_file })
    }

    /// Tries each of the given ways; an unencrypted vault needs none.
    ///
    /// # Errors
    /// [`Error::NoVault`], [`Error::KeyNeeded`], [`Error::WrongKey`]; [`Error::Damaged`] when a key fits and what it
    /// opens is not what was written.
    pub async fn open(
        store: Arc<dyn Store>,
        unlock: &[Unlock],
        clock: Arc<dyn Clock>,
    ) -> Result<Vault, Error> {
        let at = config::key()?;
        let bytes = match store.get(&at).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::NoVault(store.location().to_owned()));
            }
            Err(error) => return Err(Error::first_contact("read", &at, error)),
        };
        let config = Config::parse(&bytes)?;
        let (identity, epochs) = match &config.secrets {
            Some(secrets) => {
                let (identity, epoch) = secrets
                    .to_epoch(1)
                    .ok_or_else(|| Error::damaged(config::OBJECT, "its secrets are not keys"))?;
                (identity, vec![epoch])
            }
            None => unlock_epochs(&store, &config, unlock).await?,
        };
        config.authenticate(&identity)?;
        Ok(Self {
            keys: Arc::new(Keyring::new(&identity, epochs)?),
            store,
            config,
            clock,
            host: Host::current()?,
            cache: None,
        })
    }

    /// With a directory on this machine, in which it may keep what would take much memory: the index, once it is large, in
    /// sorted files that later runs and other processes use too; and, while it stores chunks, which it has stored. What
    /// is there can be removed at any time.
    #[must_use]
    pub fn with_cache(self, folder: &Path) -> Self {
        self.with_cache_above(folder, IN_MEMORY)
    }

    /// As [`Vault::with_cache`], for indexes of which the segments have more than so many bytes.
    #[must_use]
    pub fn with_cache_above(mut self, folder: &Path, bytes: u64) -> Self {
        self.cache = Some((Cache::of(&self, folder), bytes));
        self
    }

    /// Where the index is kept, when its segments have so many bytes; `None`: in memory.
    pub(crate) fn index_cache(&self, bytes: u64) -> Option<Cache> {
        let (cache, above) = self.cache.as_ref()?;
        (bytes > *above).then(|| cache.clone())
    }

    /// Where files are made that are gone with this process.
    pub(crate) fn scratch(&self) -> Option<Cache> {
        self.cache.as_ref().map(|(cache, _)| cache.clone())
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

    /// The same vault as a participant of a simulation sees it.
    #[cfg(test)]
    pub(crate) fn seen_by(&self, store: Arc<dyn Store>, clock: Arc<dyn Clock>, host: Host) -> Self {
        Self {
            store,
            config: self.config.clone(),
            keys: Arc::clone(&self.keys),
            clock,
            host,
            cache: None,
        }
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

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// The ways in which its secrets are protected, oldest first. What they say is not authenticated.
    ///
    /// # Errors
    /// When the store fails or a wrapper cannot be read.
    pub async fn wrappers(&self) -> Result<Vec<WrapperInfo>, Error> {
        let mut wrappers: Vec<_> = load_wrappers(&self.store)
            .await?
            .into_iter()
            .map(|(wrapper, _)| WrapperInfo {
                kind: wrapper.method.kind().0.to_owned(),
                id: wrapper.id,
                created: wrapper.created,
            })
            .collect();
        wrappers.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(wrappers)
    }

    /// A session that stores chunks. Its pieces are used from worker threads.
    #[must_use]
    pub fn upload(self: &Arc<Self>, index: Arc<Index>) -> Upload {
        Upload::new(Arc::clone(self), index)
    }

    /// Reads chunks; shared by worker threads. All its methods block and must run outside async tasks
    /// (`spawn_blocking` or own threads).
    #[must_use]
    pub fn reader(self: &Arc<Self>, index: Arc<Index>) -> Reader {
        Reader::new(Arc::clone(self), index)
    }
}

async fn create(store: &dyn Store, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
    let key = Key::new(name).map_err(Error::store("name", name))?;
    store
        .create(&key, bytes.into())
        .await
        .map_err(Error::store("create", &key))
}

/// Every wrapper with the bytes of its file.
async fn load_wrappers(store: &Arc<dyn Store>) -> Result<Vec<(Wrapper, bytes::Bytes)>, Error> {
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

async fn unlock_epochs(
    store: &Arc<dyn Store>,
    config: &Config,
    unlock: &[Unlock],
) -> Result<(Zeroizing<[u8; 32]>, Vec<Epoch>), Error> {
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
            let (suite, vault) = (config.suite, config.id);
            // Argon2 takes long enough to be kept away from the runtime's threads.
            let tried = {
                let (wrapper, bytes, unlock) = (wrapper.clone(), bytes.clone(), unlock.clone());
                tokio::task::spawn_blocking(move || wrapper.open(suite, vault, &bytes, &unlock))
                    .await
                    .map_err(|error| Error::Internal(format!("opening a wrapper ended early: {error}")))??
            };
            let Tried::Opened(secret) = tried else { continue };
            let mut identity = None;
            let mut epochs = Vec::new();
            for object in objects::list(store, &format!("keys/{}/epoch-", wrapper.id)).await? {
                let digits = object
                    .key
                    .as_str()
                    .rsplit('-')
                    .next()
                    .filter(|digits| digits.len() == 8);
                let Some(number) = digits.and_then(|digits| digits.parse().ok()) else {
                    continue;
                };
                let sealed = store
                    .get(&object.key)
                    .await
                    .map_err(Error::store("read", &object.key))?;
                let (found, epoch) = secret.open_epoch(suite, vault, &wrapper.id, number, &sealed)?;
                identity = Some(found);
                epochs.push(epoch);
            }
            let identity = identity
                .ok_or_else(|| Error::damaged(format!("keys/{}", wrapper.id), "no key epoch is there"))?;
            return Ok((identity, epochs));
        }
    }
    Err(Error::WrongKey {
        location: store.location().to_owned(),
        accepted: accepted(),
    })
}
