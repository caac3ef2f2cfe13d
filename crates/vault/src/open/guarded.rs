//! The store as an open vault uses it: with what makes up for its weaknesses, and with locks.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use ostler_store::{CheckFirst, Store};
use ostler_vocabulary::{Classified, Clock, ErrorKind};

use super::Vault;
use crate::catalogue::BACKUPS;
use crate::cipher::Suite;
use crate::collect::Remembered;
use crate::config::{self, Config};
use crate::host::Host;
use crate::keys::{Keyring, OpenedBy};
use crate::locks::Locks;
use crate::reserve::Collectors;
use crate::rounds::Begun;
use crate::{Algorithm, Error, InitOptions, Writers};

impl Vault {
    /// Makes sure that a vault can be made here: the place is there and has none.
    ///
    /// # Errors
    /// [`Error::VaultExists`], [`Error::ConfigMissing`], [`Error::NoPlace`].
    pub async fn require_vacant(store: &Arc<dyn Store>) -> Result<(), Error> {
        let at = config::key()?;
        match store.head(&at).await {
            Ok(_) => Err(Error::VaultExists(store.location().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::require_no_backups(store).await,
            Err(error) => Err(Error::first_contact("look up", &at, error)),
        }
    }

    /// Refuses a place that has what backups consist of: a vault of which only `vault.json` is missing.
    pub(super) async fn require_no_backups(store: &Arc<dyn Store>) -> Result<(), Error> {
        for prefix in [BACKUPS, "packs/"] {
            match store.list(prefix, None).await {
                Ok(page) if page.objects.is_empty() => {}
                Ok(_) => return Err(Error::ConfigMissing(store.location().to_owned())),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Error::store("list", prefix)(error)),
            }
        }
        Ok(())
    }

    pub(super) fn suite_of(options: &InitOptions, algorithm: Algorithm) -> Result<Suite, Error> {
        if options.protect.is_empty() {
            return Err(Error::BadKey {
                what: "the key of an encrypted vault",
                reason: "nothing protects it".to_owned(),
            });
        }
        Ok(Suite::of(algorithm))
    }

    pub(super) fn over(
        unchecked: Arc<dyn Store>,
        config: Config,
        keys: Keyring,
        opened_by: Option<Arc<OpenedBy>>,
        clock: Arc<dyn Clock>,
        lock: Option<Duration>,
    ) -> Result<Self, Error> {
        let plain = Self {
            store: guarded(&unchecked, config.writers),
            unchecked,
            locks: None,
            config,
            keys: Arc::new(RwLock::new(Arc::new(keys))),
            opened_by,
            clock,
            host: Host::current()?,
            cache: None,
            begun: Begun::default(),
            remembered: Remembered::default(),
            collectors: Collectors::default(),
        };
        let Some(span) = lock else { return Ok(plain) };
        let vault = Self {
            store: Arc::clone(&plain.unchecked),
            unchecked: Arc::clone(&plain.unchecked),
            locks: None,
            config: plain.config.clone(),
            // What is rotated is known to both.
            keys: Arc::clone(&plain.keys),
            opened_by: plain.opened_by.clone(),
            clock: Arc::clone(&plain.clock),
            host: plain.host.clone(),
            cache: None,
            begun: Begun::default(),
            remembered: Remembered::default(),
            collectors: Collectors::default(),
        };
        let (store, locks) = Locks::over(plain, span)?;
        Ok(Self {
            store: guarded(&store, vault.config.writers),
            locks: Some(locks),
            ..vault
        })
    }

    /// How many may write at the same time.
    #[must_use]
    pub fn writers(&self) -> Writers {
        self.config.writers
    }

    pub(crate) fn locks(&self) -> Option<&Locks> {
        self.locks.as_ref()
    }

    pub(crate) fn unchecked(&self) -> &Arc<dyn Store> {
        &self.unchecked
    }
}

/// The store as the vault uses it.
fn guarded(store: &Arc<dyn Store>, writers: Writers) -> Arc<dyn Store> {
    match writers {
        Writers::Many => Arc::clone(store),
        Writers::One => Arc::new(CheckFirst::new(Arc::clone(store))),
    }
}
