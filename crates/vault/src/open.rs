//! Making a vault, and opening one.

mod guarded;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::join;
use ostler_store::{Key, Store};
use ostler_vocabulary::{Classified, Clock, ErrorKind, Secret, Timestamp, VaultId};
use zeroize::Zeroizing;

use crate::cipher;
use crate::cipher::Suite;
use crate::collect::Remembered;
use crate::config::{self, Config};
use crate::host::Host;
use crate::index::Cache;
use crate::keys::{
    Epoch, EpochSecrets, FileKey, KEYS, Keyring, OpenedBy, Protection, Wrapper, check_recipient,
    unlock as unlock_by,
};
use crate::locks::{self, Locks};
use crate::objects::{self, Then};
use crate::reserve::Collectors;
use crate::rounds::Begun;
use crate::{
    Algorithm, Error, Index, InitOptions, Initialised, PassphraseCost, Protect, Reader, Unlock, Upload,
    Writers,
};

/// An open vault. Cheap to clone behind an `Arc`.
#[derive(Debug)]
pub struct Vault {
    store: Arc<dyn Store>,
    /// The same without what makes up for its weaknesses: for finding out whether it still has them.
    unchecked: Arc<dyn Store>,
    locks: Option<Locks>,
    config: Config,
    /// Replaced as a whole when somebody has rotated them. Locked only to look and to put.
    keys: Arc<RwLock<Arc<Keyring>>>,
    /// `None` in a vault without keys.
    opened_by: Option<Arc<OpenedBy>>,
    clock: Arc<dyn Clock>,
    host: Host,
    /// Where the index of a large vault is kept, and from how many bytes of segments on.
    cache: Option<(Cache, u64)>,
    begun: Begun,
    remembered: Remembered,
    collectors: Collectors,
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
        Self::make(store, options, suite, Writers::Many, None, |_| Ok(())).await
    }

    /// Makes a vault as [`Vault::init`] does, for so many writers, by this algorithm or the faster one; what it creates is
    /// locked for so long. `keep` stores the text of the key file before there is a vault that needs it.
    ///
    /// # Errors
    /// As [`Vault::init_by`]; [`Error::KeyFile`] when `keep` fails.
    pub async fn init_for(
        store: Arc<dyn Store>,
        options: InitOptions,
        algorithm: Option<Algorithm>,
        writers: Writers,
        lock: Option<Duration>,
        keep: impl FnOnce(&Secret) -> std::io::Result<()> + Send,
    ) -> Result<Initialised, Error> {
        let suite = match algorithm {
            Some(algorithm) => Self::suite_of(&options, algorithm)?,
            None if options.protect.is_empty() => Suite::None,
            None => Suite::fastest(),
        };
        Self::make(store, options, suite, writers, lock, keep).await
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
        Self::init_for(store, options, Some(algorithm), Writers::Many, None, |_| Ok(())).await
    }

    #[cfg(test)]
    pub(crate) async fn init_with(
        store: Arc<dyn Store>,
        options: InitOptions,
        suite: Suite,
    ) -> Result<Initialised, Error> {
        Self::make(store, options, suite, Writers::Many, None, |_| Ok(())).await
    }

    async fn make(
        store: Arc<dyn Store>,
        options: InitOptions,
        suite: Suite,
        writers: Writers,
        lock: Option<Duration>,
        keep: impl FnOnce(&Secret) -> std::io::Result<()> + Send,
    ) -> Result<Initialised, Error> {
        Self::require_vacant(&store).await?;
        let at = config::key()?;
        let unchecked = Arc::clone(&store);
        let store = match lock {
            Some(span) => locks::locking(&store, span, &options.clock)?,
            None => store,
        };
        let id = VaultId::from_bytes(cipher::random()?);
        let created = options.clock.now();
        let identity = Zeroizing::new(cipher::random::<32>()?);
        let epoch = Epoch::random(1)?;
        let mut key_file = None;
        let mut opened_by = None;
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
            let (wrapper, secret, bytes) =
                Wrapper::make(Wrapper::new_id()?, suite, id, &identity, created, &protection)?;
            opened_by.get_or_insert_with(|| Arc::new(OpenedBy::new(&wrapper, secret)));
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
        let (config, bytes) = Config::make(id, created, suite, writers, &identity, secrets)?;
        if let Some(text) = &key_file {
            keep(text).map_err(Error::KeyFile)?;
        }
        match store.create(&at, bytes.into()).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::VaultExists(store.location().to_owned()));
            }
            Err(error) => return Err(Error::store("create", &at)(error)),
        }
        let keys = Keyring::new(&identity, vec![epoch])?;
        let vault = Self::over(unchecked, config, keys, opened_by, options.clock, lock)?;
        vault.keep_reserve().await;
        Ok(Initialised { vault, key_file })
    }

    /// Tries each of the given ways. An unencrypted vault opens only where none is given: a user with a key expects that it
    /// is needed, and nothing authenticates a `vault.json` that holds its own secrets.
    ///
    /// # Errors
    /// [`Error::NoVault`], [`Error::ConfigMissing`], [`Error::KeyNeeded`], [`Error::WrongKey`], [`Error::NotEncrypted`]; [`Error::Damaged`] when a
    /// key fits and what it opens is not what was written.
    pub async fn open(
        store: Arc<dyn Store>,
        unlock: &[Unlock],
        clock: Arc<dyn Clock>,
    ) -> Result<Vault, Error> {
        Self::open_locked(store, unlock, clock, None).await
    }

    /// Opens a vault as [`Vault::open`] does. With a span, what it creates is locked for so long, and of every object
    /// that stays the earliest authentic version is read.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`Error::Store`] where the store has no versions.
    pub async fn open_locked(
        store: Arc<dyn Store>,
        unlock: &[Unlock],
        clock: Arc<dyn Clock>,
        lock: Option<Duration>,
    ) -> Result<Vault, Error> {
        let unchecked = Arc::clone(&store);
        let store = match lock {
            Some(_) => locks::first_sight(&store)?,
            None => store,
        };
        let at = config::key()?;
        // Nearly every vault has keys: one round trip less.
        let (config, listed) = join!(store.get(&at), objects::list(&store, KEYS));
        let bytes = match config {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Self::require_no_backups(&store).await?;
                return Err(Error::NoVault(store.location().to_owned()));
            }
            Err(error) => return Err(Error::first_contact("read", &at, error)),
        };
        let config = Config::parse(&bytes)?;
        if config.suite == Suite::None && !unlock.is_empty() {
            return Err(Error::NotEncrypted(store.location().to_owned()));
        }
        let (keys, opened_by) = match &config.secrets {
            Some(secrets) => {
                let (identity, epoch) = secrets
                    .to_epoch(1)
                    .ok_or_else(|| Error::damaged(config::OBJECT, "its secrets are not keys"))?;
                (Keyring::new(&identity, vec![epoch])?, None)
            }
            None => {
                let (keys, opened_by) =
                    unlock_by(&store, &config, unlock, (&listed?, lock.is_some())).await?;
                (keys, Some(Arc::new(opened_by)))
            }
        };
        config.authenticate(keys.identity())?;
        Self::over(unchecked, config, keys, opened_by, clock, lock)
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
            unchecked: Arc::clone(&store),
            locks: None,
            store,
            config: self.config.clone(),
            keys: Arc::new(RwLock::new(self.keys())),
            opened_by: self.opened_by.clone(),
            clock,
            host,
            cache: None,
            begun: Begun::default(),
            remembered: Remembered::default(),
            collectors: Collectors::default(),
        }
    }

    pub(crate) fn begun(&self) -> &Begun {
        &self.begun
    }

    pub(crate) fn collectors(&self) -> &Collectors {
        &self.collectors
    }

    pub(crate) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn suite(&self) -> Suite {
        self.config.suite
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn keys(&self) -> Arc<Keyring> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_keys(&self, keys: Keyring) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    pub(crate) fn opened_by(&self) -> Option<&Arc<OpenedBy>> {
        self.opened_by.as_ref()
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// A session that stores chunks. Its pieces are used from worker threads.
    #[must_use]
    pub fn upload(self: &Arc<Self>, index: Arc<Index>) -> Upload {
        Upload::new(Arc::clone(self), index, Then::Believe)
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
