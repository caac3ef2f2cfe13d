//! The store as an open vault uses it: with what makes up for its weaknesses, and with locks.

use std::sync::Arc;
use std::time::Duration;

use ostler_store::{CheckFirst, Store};
use ostler_vocabulary::{Classified, Clock, ErrorKind};

use super::Vault;
use crate::cipher::Suite;
use crate::config::{self, Config};
use crate::host::Host;
use crate::keys::Keyring;
use crate::locks::Locks;
use crate::{Algorithm, Error, InitOptions, Writers};

impl Vault {
    /// Makes sure that a vault can be made here: the place is there and has none.
    ///
    /// # Errors
    /// [`Error::VaultExists`], [`Error::NoPlace`].
    pub async fn require_vacant(store: &Arc<dyn Store>) -> Result<(), Error> {
        let at = config::key()?;
        match store.head(&at).await {
            Ok(_) => Err(Error::VaultExists(store.location().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::first_contact("look up", &at, error)),
        }
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
        keys: Arc<Keyring>,
        clock: Arc<dyn Clock>,
        lock: Option<Duration>,
    ) -> Result<Self, Error> {
        let plain = Self {
            store: guarded(&unchecked, config.writers),
            unchecked,
            locks: None,
            config,
            keys,
            clock,
            host: Host::current()?,
        };
        let Some(span) = lock else { return Ok(plain) };
        let (config, keys, clock) = (
            plain.config.clone(),
            Arc::clone(&plain.keys),
            Arc::clone(&plain.clock),
        );
        let (unchecked, host) = (Arc::clone(&plain.unchecked), plain.host.clone());
        let (store, locks) = Locks::over(plain, span)?;
        Ok(Self {
            store: guarded(&store, config.writers),
            unchecked,
            locks: Some(locks),
            config,
            keys,
            clock,
            host,
        })
    }

    /// How many may write at the same time.
    #[must_use]
    pub fn writers(&self) -> Writers {
        self.config.writers
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
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
