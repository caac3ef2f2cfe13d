//! Backups of all configured vaults: listed together, and found wherever they are.
//!
//! New backups go to the primary vault (`defaults.vault`). When that changes, what was made before stays where it is, and is
//! listed, shown and restored from there without anybody saying where that is.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_api::document::{BackupList, Problem};
use ostler_api::request::{Filter, Selector};
use ostler_backup::state::Backup;
use ostler_backup::{Context, select};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};

use super::Runtime;

/// What was found in several vaults.
struct Found {
    /// The vaults, the first first, and what is in each.
    vaults: Vec<(Context, Arc<Vec<Backup>>)>,
    /// Vaults that could not be looked at.
    unreachable: Vec<(String, Failure)>,
}

impl Runtime {
    /// The configured vaults, the primary first; that of the state directory too when there is one.
    pub(super) fn all_vaults(&self) -> Vec<String> {
        let settings = &self.inner.settings;
        let primary = self.vault_name(None);
        let is_there = |name: &String| {
            settings.file.vault.contains_key(name)
                || *name != "default"
                || settings.implicit_vault().join("vault.json").exists()
        };
        let mut names = vec![primary];
        for name in settings.file.vault.keys().cloned().chain(["default".to_owned()]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let there: Vec<String> = names.into_iter().filter(is_there).collect();
        match there.is_empty() {
            true => vec![self.vault_name(None)],
            false => there,
        }
    }

    pub(super) async fn list_backups(
        &self,
        vault: Option<&str>,
        filter: &Filter,
    ) -> Result<BackupList, Failure> {
        let names = match vault {
            Some(_) => vec![self.vault_name(vault)],
            None => self.all_vaults(),
        };
        let found = self.found(&names).await?;
        let mut backups = select::matching(
            found.vaults.iter().flat_map(|(_, backups)| backups.iter()),
            filter,
        )?;
        backups.sort_by_key(|backup| std::cmp::Reverse((backup.summary.started, backup.id())));
        if let Some((context, _)) = found.vaults.first() {
            context.warn_of_future(backups.iter().copied());
        }
        Ok(BackupList {
            vault: self.vault_name(vault),
            backups: backups.into_iter().map(|b| b.summary.clone()).collect(),
            unreachable: found
                .unreachable
                .iter()
                .map(|(vault, failure)| Problem {
                    path: vault.clone(),
                    reason: failure.messages().join(": "),
                })
                .collect(),
        })
    }

    /// The backup that is meant, with the context of its vault. Without a vault's name it is looked for in all; of
    /// copies in several, a good one is taken, and that in the primary vault before others.
    pub(super) async fn meant(&self, selector: &Selector) -> Result<(Context, Backup), Failure> {
        let names = match &selector.vault {
            Some(name) => vec![name.clone()],
            None => self.all_vaults(),
        };
        // Whoever gives the whole id of what is in the primary vault need not wait for others.
        let is_id = selector.backup.parse::<BackupId>().is_ok();
        if let (true, [primary, _, ..]) = (is_id, names.as_slice())
            && let Ok((context, backups)) = self.look_into(primary).await
            && let Ok(backup) = select::resolve(backups.iter(), &selector.backup, &selector.filter)
            && backup.state().is_good()
        {
            return Ok((context, backup.clone()));
        }
        let found = self.found(&names).await?;
        let copies = best_copies(&found.vaults);
        let backup = match select::resolve(copies, &selector.backup, &selector.filter) {
            Ok(backup) => backup.clone(),
            // It may be where nobody could look.
            Err(error) => {
                return Err(match found.unreachable.into_iter().next() {
                    Some((vault, failure)) => failure.context(format!(
                        "{error} that can be reached, and vault `{vault}` cannot be looked at"
                    )),
                    None => error.into(),
                });
            }
        };
        for (vault, failure) in &found.unreachable {
            tracing::warn!(
                "vault `{vault}` could not be looked at, so what is in it was not considered: {}",
                failure.messages().join(": ")
            );
        }
        let mut contexts = found.vaults.into_iter().map(|(context, _)| context);
        match contexts.find(|context| context.vault_name == backup.summary.vault) {
            Some(context) => Ok((context, backup)),
            None => Err(Failure::new(ErrorKind::Internal, "a backup is in no vault")),
        }
    }

    /// The selector with its vault resolved, and the context of the vault that the backup is in.
    pub(super) async fn pinned(&self, selector: &mut Selector) -> Result<Context, Failure> {
        let only = match &selector.vault {
            Some(name) => Some(name.clone()),
            None => match self.all_vaults().as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
        };
        // Whoever plans looks for it there.
        if let Some(only) = only {
            let opened = self.opened(Some(&only)).await?;
            let context = self.context(&opened, false);
            selector.vault = Some(context.vault_name.clone());
            return Ok(context);
        }
        let (context, backup) = self.meant(selector).await?;
        selector.vault = Some(context.vault_name.clone());
        selector.backup = backup.id().to_string();
        // Whoever may see what is about a cluster knows by this that it is.
        if let (Some(_), Some(source)) = (backup.summary.cluster(), &backup.summary.source) {
            selector.filter.host = Some(source.host.clone());
        }
        Ok(context)
    }

    /// What is in these vaults, the first first. One that cannot be looked at is no failure while another can.
    async fn found(&self, names: &[String]) -> Result<Found, Failure> {
        let mut found = Found {
            vaults: Vec::new(),
            unreachable: Vec::new(),
        };
        for name in names {
            match self.look_into(name).await {
                Ok(looked) => found.vaults.push(looked),
                Err(failure) => found.unreachable.push((name.clone(), failure)),
            }
        }
        if found.vaults.is_empty() && !found.unreachable.is_empty() {
            return Err(found.unreachable.swap_remove(0).1);
        }
        Ok(found)
    }

    async fn look_into(&self, name: &str) -> Result<(Context, Arc<Vec<Backup>>), Failure> {
        let opened = self.opened(Some(name)).await?;
        let context = self.context(&opened, false);
        let backups = opened.backups(&context).await?;
        Ok((context, backups))
    }
}

/// One of each backup that is in several vaults, newest first: a good one if there is one, and of equals the first.
fn best_copies(vaults: &[(Context, Arc<Vec<Backup>>)]) -> Vec<&Backup> {
    if let [(_, only)] = vaults {
        return only.iter().collect();
    }
    let mut best: BTreeMap<BackupId, &Backup> = BTreeMap::new();
    for backup in vaults.iter().flat_map(|(_, backups)| backups.iter()) {
        let better = best
            .get(&backup.id())
            .is_none_or(|other| backup.state().is_good() && !other.state().is_good());
        if better {
            best.insert(backup.id(), backup);
        }
    }
    let mut backups: Vec<&Backup> = best.into_values().collect();
    backups.sort_by_key(|backup| std::cmp::Reverse((backup.summary.started, backup.id())));
    backups
}
