//! Vaults by name: opened and described.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use ostler_api::document::{DatabaseList, DatabaseSummary, Estimate, KeySummary, VaultInfo, VaultSummary};
use ostler_backup::Context;
use ostler_backup::state::Backup;
use ostler_vault::{CatalogueEntry, Index, Vault};
use ostler_vocabulary::Failure;

use super::remembered::Remembered;
use super::{Runtime, first_use, places, probing};
use crate::audit::without_password;
use crate::settings::is_location;
use crate::settings::reference::Reference;

/// An open vault with what its name means.
#[derive(Debug)]
pub struct Opened {
    /// Its name in the configuration, or its location.
    pub name: String,
    /// Where it is, without secrets.
    pub location: String,
    /// Its directory, when it is on this machine.
    pub directory: Option<PathBuf>,
    /// The vault.
    pub vault: Arc<Vault>,
    /// The key file that was made just now, which the user has to be told of.
    pub new_key: Option<PathBuf>,
    pub(super) seen: Seen,
}

/// What was last seen of a vault on this machine.
#[derive(Debug, Default)]
pub(super) struct Seen {
    catalogue: Remembered<Catalogue>,
    size: Remembered<Size>,
}

#[derive(Debug)]
struct Catalogue {
    entries: Vec<CatalogueEntry>,
    /// The backups, where what they are follows from the entries alone: whoever makes one may die without a sign.
    backups: Option<Arc<Vec<Backup>>>,
}

/// What the index says of all that is stored.
#[derive(Debug)]
struct Size {
    packs: usize,
    chunks: usize,
    bytes: u64,
    warning: Option<String>,
}

impl Opened {
    /// The backups, newest first, as [`Context::backups`] gives them.
    ///
    /// # Errors
    /// When the vault cannot be listed.
    pub(super) async fn backups(&self, context: &Context) -> Result<Arc<Vec<Backup>>, Failure> {
        let Some(directory) = &self.directory else {
            return Ok(Arc::new(context.backups().await?));
        };
        let looked = self
            .seen
            .catalogue
            .or_seen(directory, &["backups", "intents", "notes"], async {
                let entries = context.catalogue().await?;
                let is_made = |entry: &CatalogueEntry| entry.committed.is_some();
                let backups = match entries.iter().all(is_made) {
                    true => Some(Arc::new(context.backups_of(&entries).await?)),
                    false => None,
                };
                Ok(Catalogue { entries, backups })
            });
        let catalogue = looked.await?;
        match &catalogue.backups {
            Some(backups) => Ok(Arc::clone(backups)),
            None => Ok(Arc::new(context.backups_of(&catalogue.entries).await?)),
        }
    }

    async fn size(&self) -> Result<Arc<Size>, Failure> {
        let look = async {
            let index = self.vault.index(false).await;
            let index = index.map_err(self.attempting("read its index"))?;
            Ok(Size {
                packs: index.packs(),
                chunks: index.chunks(),
                bytes: index.bytes(),
                warning: self.giving_up_warning(&index)?,
            })
        };
        match &self.directory {
            // How much is left goes down while the names stay.
            Some(directory) if self.vault.giving_up().is_none() => {
                self.seen
                    .size
                    .or_seen(directory, &["index", "rounds"], look)
                    .await
            }
            _ => look.await.map(Arc::new),
        }
    }

    /// What to know of a vault whose old epochs are being given up.
    fn giving_up_warning(&self, index: &Index) -> Result<Option<String>, Failure> {
        let Some(before) = self.vault.giving_up() else {
            return Ok(None);
        };
        let (old, all) = (index.bytes_before(before)?, index.bytes().max(1));
        Ok(Some(format!(
            "secrets of this vault have leaked: {} % of it is still encrypted with them; `ostler vault key rotate \
             --compromised` continues",
            u128::from(old) * 100 / u128::from(all)
        )))
    }

    fn attempting(&self, what: &str) -> impl FnOnce(ostler_vault::Error) -> Failure {
        let message = format!("vault `{}`: cannot {what}", self.name);
        move |error| Failure::from(error).context(message)
    }
}

impl Runtime {
    pub(crate) fn vault_name(&self, name: Option<&str>) -> String {
        name.unwrap_or(&self.inner.settings.file.defaults.vault)
            .to_owned()
    }

    /// The name of a vault that is there already: where none is named, the default vault, or else the only one that is
    /// configured.
    pub(crate) fn present_vault(&self, name: Option<&str>) -> String {
        match (name, self.all_vaults().as_slice()) {
            (None, [only]) => only.clone(),
            _ => self.vault_name(name),
        }
    }

    /// The vault of this name, opened once.
    pub(super) async fn opened(&self, name: Option<&str>) -> Result<Arc<Opened>, Failure> {
        let name = self.present_vault(name);
        if let Some(opened) = self.cached(&name) {
            return Ok(opened);
        }
        let (location, vault) = self.open_vault(&name).await?;
        Ok(self.keep(&name, &location, vault, None))
    }

    /// The vault of this name with its name, opened whether it was before or not: as it is now, with the keys it has now.
    pub(crate) async fn opened_anew(&self, name: Option<&str>) -> Result<(String, Arc<Vault>), Failure> {
        let name = self.present_vault(name);
        let (_, vault) = self.open_vault(&name).await?;
        Ok((name, Arc::new(self.with_cache(vault))))
    }

    async fn open_vault(&self, name: &str) -> Result<(String, Vault), Failure> {
        let configured = self.inner.settings.vault(name)?;
        let store = self.store(name, &configured).await?;
        let unlock = self.unlock(name, &configured).await?;
        let vault = self.unlocked(name, &configured, store, &unlock).await?;
        Ok((configured.location, vault))
    }

    fn with_cache(&self, vault: Vault) -> Vault {
        match self.inner.settings.cache_directory() {
            Some(directory) => vault.with_cache(&directory),
            None => vault,
        }
    }

    fn cached(&self, name: &str) -> Option<Arc<Opened>> {
        let vaults = self.inner.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        vaults.get(name).cloned()
    }

    pub(super) fn keep(
        &self,
        name: &str,
        location: &str,
        vault: Vault,
        new_key: Option<PathBuf>,
    ) -> Arc<Opened> {
        let vault = self.with_cache(vault);
        let opened = Arc::new(Opened {
            name: name.to_owned(),
            location: location.to_owned(),
            directory: places::local_directory(location),
            vault: Arc::new(vault),
            new_key,
            seen: Seen::default(),
        });
        let mut vaults = self.inner.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(vaults.entry(name.to_owned()).or_insert(opened))
    }

    /// The configured vaults, by name; that of the state directory too, where nothing else is or where it is.
    pub(super) fn listed_vaults(&self) -> Result<Vec<VaultSummary>, Failure> {
        let mut names = self.inner.settings.vault_names();
        let others = self.all_vaults().into_iter();
        names.extend(others.filter(|name| !is_location(name)));
        names.sort();
        names.dedup();
        names.iter().map(|name| self.vault_summary(name)).collect()
    }

    pub(super) fn listed_databases(&self) -> DatabaseList {
        let databases = self.inner.settings.file.database.iter();
        DatabaseList {
            databases: databases
                .map(|(name, database)| DatabaseSummary {
                    name: name.clone(),
                    address: without_password(&database.dsn),
                })
                .collect(),
        }
    }

    pub(super) fn vault_summary(&self, name: &str) -> Result<VaultSummary, Failure> {
        let settings = &self.inner.settings;
        Ok(VaultSummary {
            name: name.to_owned(),
            location: settings.vault(name)?.location,
            default: settings.file.defaults.vault == name,
        })
    }

    pub(super) async fn vault_info(
        &self,
        opened: &Opened,
        key_file: Option<PathBuf>,
    ) -> Result<VaultInfo, Failure> {
        let vault = &opened.vault;
        let context = self.context(opened, false);
        let mut backups = BTreeMap::new();
        let all = opened.backups(&context).await?;
        for backup in all.iter() {
            *backups.entry(backup.state().as_str().to_owned()).or_default() += 1;
        }
        let stored = opened.size().await?;
        let wrappers = vault.wrappers().await;
        let wrappers = wrappers.map_err(opened.attempting("list its keys"))?;
        let mut warnings = Vec::new();
        if vault.encryption() == "none" {
            warnings
                .push("this vault is not encrypted: whoever can read it can read what is in it".to_owned());
        }
        warnings.extend(stored.warning.clone());
        if let Some(path) = &key_file {
            warnings.push(first_use::copy_away(path));
        }
        let probe = vault.last_probe().await;
        let probe = probe.map_err(opened.attempting("read what its store can do"))?;
        let (store, of_store) = probing::described(vault, probe.as_ref());
        warnings.extend(of_store);
        let configured_key = match self.inner.settings.vault(&opened.name).ok().and_then(|v| v.key) {
            Some(Reference::File(path)) => Some(self.inner.settings.base().join(path)),
            _ => first_use::key_file_of(&self.inner.settings, &opened.name, vault.id()),
        };
        let mut estimate = Estimate {
            bytes: stored.bytes,
            requests: stored.packs as u64,
            ..Estimate::default()
        };
        self.complete_estimate(&opened.name, &mut estimate).await;
        Ok(VaultInfo {
            summary: VaultSummary {
                name: opened.name.clone(),
                location: opened.location.clone(),
                default: self.inner.settings.file.defaults.vault == opened.name,
            },
            id: vault.id(),
            format: 1,
            created: vault.created(),
            encryption: vault.encryption().to_owned(),
            keys: wrappers
                .into_iter()
                .map(|wrapper| KeySummary {
                    id: wrapper.id,
                    kind: wrapper.kind.replace('_', " "),
                    created: wrapper.created,
                })
                .collect(),
            key_file: key_file.or(configured_key),
            backups,
            reading: ostler_backup::rotation::of_all(&all, context.clock.now()),
            packs: estimate.requests,
            bytes: estimate.bytes,
            monthly: self.monthly(&opened.name, estimate.bytes),
            reading_back: Some(estimate).filter(|known| known.cost.is_some() || known.duration_ms.is_some()),
            chunks: stored.chunks as u64,
            store,
            warnings,
        })
    }
}

pub(super) fn cannot_open(name: &str, location: &str, error: ostler_vault::Error) -> Failure {
    let is_missing = matches!(error, ostler_vault::Error::NoVault(_));
    let failure = Failure::from(error).context(format!("cannot open vault `{name}` at {location}"));
    match is_missing {
        true if name == "default" => {
            failure.with_hint("`ostler backup create PATH` makes it, with the first backup")
        }
        true if is_location(name) => {
            failure.with_hint(format!("make it: `ostler vault init {name} --name NAME`"))
        }
        true => failure.with_hint(format!("make it: `ostler vault init --name {name}`")),
        false => failure,
    }
}
