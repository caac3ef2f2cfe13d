//! The ways to open a vault: listed, added, removed.

use std::collections::{BTreeMap, BTreeSet};

use ostler_vocabulary::{Secret, Timestamp};

use super::unlock::{OpenedBy, load_keys, load_wrappers, try_key};
use super::{FileKey, Keyring, Protection, Wrapper, check_recipient, sealed_epoch};
use crate::objects::{list, object_key};
use crate::{Error, Lease, NewKey, Unlock, Vault, WrapperInfo};

impl Vault {
    /// The ways in which its secrets are protected, oldest first. What they say is not authenticated.
    ///
    /// # Errors
    /// When the store fails or a wrapper cannot be read.
    pub async fn wrappers(&self) -> Result<Vec<WrapperInfo>, Error> {
        let mut epochs: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for object in self.objects("keys/").await? {
            let name = object.key.as_str().strip_prefix("keys/").unwrap_or_default();
            if let Some(number) = sealed_epoch(&object.key)
                && let Some((wrapper, _)) = name.split_once('/')
            {
                epochs.entry(wrapper.to_owned()).or_default().push(number);
            }
        }
        let retired = self.retired().await?;
        let opened_by = self.opened_by().map(|by| by.wrapper.as_str());
        let mut wrappers: Vec<_> = load_wrappers(self.store())
            .await?
            .genuine(self.locks().is_some())?
            .into_iter()
            .filter(|(wrapper, _)| !retired.contains_key(&wrapper.id))
            .map(|(wrapper, _)| WrapperInfo {
                kind: wrapper.method.kind().0.to_owned(),
                about: wrapper.method.about(),
                epochs: epochs.remove(&wrapper.id).unwrap_or_default(),
                opened_by: opened_by == Some(wrapper.id.as_str()),
                id: wrapper.id,
                created: wrapper.created,
            })
            .collect();
        wrappers.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(wrappers)
    }

    /// Whether somebody made this way to open the vault who could open it.
    pub(super) fn vouches_for(&self, wrapper: &Wrapper) -> bool {
        self.opened_by().is_some_and(|by| by.is(wrapper))
            || wrapper.is_vouched_for(self.id(), self.keys().identity())
    }

    /// A name for a new way to open the vault.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new_wrapper_id() -> Result<String, Error> {
        Wrapper::new_id()
    }

    /// The text of a new key file. It opens nothing before it is given to [`Vault::add_wrapper`].
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new_key_file(&self) -> Result<Secret, Error> {
        Ok(FileKey::random()?.to_text(self.id(), self.clock().now()))
    }

    /// Makes the vault open with one more key, and looks that it does, as far as that can be seen without an age
    /// identity. Repeatable with the same name: what a killed attempt left is taken on, or made anew.
    ///
    /// # Errors
    /// [`Error::BadKey`] for a key that cannot be used, [`Error::Conflict`] when the lease was lost,
    /// [`Error::Unsupported`] for a vault without keys.
    pub async fn add_wrapper(&self, id: &str, with: &NewKey, guard: &Lease) -> Result<WrapperInfo, Error> {
        if self.opened_by().is_none() {
            return Err(Error::Unsupported("a vault that is not encrypted has no keys"));
        }
        let file;
        let protection = match with {
            NewKey::KeyFile(text) => {
                file = FileKey::from_text(text)?;
                Protection::KeyFile(&file)
            }
            NewKey::Passphrase(passphrase, _) if passphrase.reveal().is_empty() => {
                return Err(Error::BadKey {
                    what: "the passphrase",
                    reason: "it is empty".to_owned(),
                });
            }
            NewKey::Passphrase(passphrase, cost) => Protection::Passphrase(passphrase, *cost),
            NewKey::AgeRecipients(recipients) => {
                recipients.iter().try_for_each(|text| check_recipient(text))?;
                Protection::Age(recipients)
            }
        };
        self.renew_keys().await?;
        guard.confirm().await?;
        let file_key = object_key(format!("keys/{id}/wrapper.json"))?;
        if self.read_if_there(&file_key).await?.is_none() {
            // Sealed to a pair whose secret half died with an earlier attempt.
            self.remove_below(id).await?;
            let created = self.clock().now();
            let (suite, vault) = (self.suite(), self.id());
            let keys = self.keys();
            let (wrapper, _, bytes) =
                Wrapper::make(id.to_owned(), suite, vault, keys.identity(), created, &protection)?;
            self.seal_epochs_to(&wrapper).await?;
            guard.confirm().await?;
            self.create_if_free(&file_key, bytes).await?;
        }
        let bytes = self
            .read_if_there(&file_key)
            .await?
            .ok_or_else(|| Error::Conflict(format!("key {id} was removed meanwhile")))?;
        let wrapper = Wrapper::parse(file_key.as_str(), id, &bytes)?;
        if !self.vouches_for(&wrapper) {
            return Err(Error::damaged(
                &file_key,
                "nobody made it who could open the vault",
            ));
        }
        // A rotation that began before the wrapper was there has not sealed its epoch to it.
        self.renew_keys().await?;
        self.seal_epochs_to(&wrapper).await?;
        let opened = match with {
            NewKey::KeyFile(text) => Some(Unlock::KeyFile(text.clone())),
            NewKey::Passphrase(text, _) => Some(Unlock::Passphrase(text.clone())),
            NewKey::AgeRecipients(_) => None,
        };
        if let Some(unlock) = opened {
            let secret = try_key(self.config(), &wrapper, &bytes, &unlock).await?;
            let secret = secret
                .ok_or_else(|| Error::damaged(&file_key, "the key it was made for does not open it"))?;
            let by = OpenedBy::new(&wrapper, secret);
            let found = load_keys(self.store(), self.config(), &by, self.locks().is_some()).await?;
            let is_ours =
                |found: Keyring| found.identity() == self.keys().identity() && found.newest().is_ok();
            if !found.is_some_and(is_ours) {
                return Err(Error::damaged(&file_key, "it does not open the vault's secrets"));
            }
        }
        let all = self.wrappers().await?;
        all.into_iter()
            .find(|wrapper| wrapper.id == id)
            .ok_or_else(|| Error::Conflict(format!("key {id} was removed meanwhile")))
    }

    async fn seal_epochs_to(&self, wrapper: &Wrapper) -> Result<(), Error> {
        let keys = self.keys();
        keys.newest()?;
        for epoch in keys.epochs.values() {
            let key = object_key(format!("keys/{}/epoch-{:08}", wrapper.id, epoch.number))?;
            let sealed = wrapper.seal_epoch(self.suite(), self.id(), keys.identity(), epoch)?;
            self.create_if_free(&key, sealed).await?;
        }
        Ok(())
    }

    /// Takes a way to open the vault away. Repeatable, and no error when it is gone. It revokes nothing where somebody
    /// has copied it, or what it opens.
    ///
    /// Where the vault locks its objects it is only marked as gone while they are locked, until the time that is returned:
    /// it gets no secrets of later epochs, and the first collection after that removes it.
    ///
    /// # Errors
    /// [`Error::LastKey`] when nothing else opens all of the vault; [`Error::Conflict`] when the lease was lost.
    pub async fn remove_wrapper(&self, id: &str, guard: &Lease) -> Result<Option<Timestamp>, Error> {
        let wrappers = self.wrappers().await?;
        if !wrappers.iter().any(|wrapper| wrapper.id == id) {
            return self.remove_unlocked(id).await;
        }
        self.renew_keys().await?;
        let needed: Vec<u32> = self.keys().epochs.keys().copied().collect();
        let opens_all = |wrapper: &WrapperInfo| needed.iter().all(|number| wrapper.epochs.contains(number));
        let genuine = load_wrappers(self.store()).await?.readable.into_iter();
        let genuine: BTreeSet<String> = genuine
            .filter(|(wrapper, _)| self.vouches_for(wrapper))
            .map(|(wrapper, _)| wrapper.id)
            .collect();
        let stays = |other: &&WrapperInfo| other.id != id && genuine.contains(&other.id);
        if !wrappers.iter().filter(stays).any(opens_all) {
            return Err(Error::LastKey(id.to_owned()));
        }
        guard.confirm().await?;
        if self.locks().is_some() {
            self.retire(id).await?;
        }
        self.remove_unlocked(id).await
    }

    async fn remove_unlocked(&self, id: &str) -> Result<Option<Timestamp>, Error> {
        let locked = self.wrapper_locked(id).await?;
        if locked.is_none() {
            self.remove_below(id).await?;
        }
        Ok(locked)
    }

    /// Removes all that is sealed to a wrapper, but marks that are locked.
    pub(super) async fn remove_below(&self, id: &str) -> Result<(), Error> {
        // Without this there is no wrapper; what is sealed to it follows.
        self.remove(&object_key(format!("keys/{id}/wrapper.json"))?)
            .await?;
        for object in list(self.store(), &format!("keys/{id}/")).await? {
            self.remove_unless_locked(&object.key).await?;
        }
        Ok(())
    }
}
