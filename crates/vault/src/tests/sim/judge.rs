//! What must hold in the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ostler_vocabulary::{BackupId, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::super::world::plan;
use super::cast;
use super::schedule::{holder, seen};
use super::store::View;
use super::world::World;
use crate::catalogue::record_of;
use crate::host::is_planted;
use crate::list::ListReader;
use crate::reach::data_chunks;
use crate::{Collecting, Error, Vault};

/// What must hold when everybody has come to an end, and after what is left was collected.
pub(super) async fn judge(world: &World, base: &Arc<Vault>, observer: usize) -> Result<(), String> {
    {
        let mut state = world.state();
        state.last = true;
        state.now += 40 * 3_600_000;
        state.deliver();
        let processes = state.processes;
        state.dead.extend(1..=processes);
    }
    let view = View {
        world: world.clone(),
        actor: observer,
    };
    let vault = seen(base, &view);
    if world.state().rotates {
        let opened = vault.renew_keys().await;
        opened.map_err(|error| format!("in the end the vault cannot be opened: {error}"))?;
    }
    readable(world, &vault).await?;
    let said = |error: Error| format!("in the end nothing can be freed: {error}");
    let lease = vault
        .lease(holder(&view), Duration::from_secs(3600), &|_| {})
        .await
        .map_err(said)?;
    if !vault.stray_epochs().is_empty() {
        cast::next_epoch(&vault, true, &lease).await.map_err(said)?;
    }
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let how = Collecting::default();
    let collected = vault
        .collect(&lease, how, &progress, &cancel)
        .await
        .map_err(said)?;
    if vault.giving_up().is_some() {
        let left = cast::give_up_epochs(&vault, &lease).await.map_err(said)?;
        if let Some(left) = left.first() {
            return Err(format!("in the end `{left}` needs an epoch that leaked"));
        }
    }
    // An intent of an epoch that was given up while it was on its way tells nobody whether its maker is dead: until that is
    // seen what might be its is kept, for another collection.
    vault
        .collect(&lease, how, &progress, &cancel)
        .await
        .map_err(said)?;
    lease.release().await.map_err(said)?;
    if !collected.waits_for.is_empty() {
        return Err("in the end a collection waits for makers that are dead".to_owned());
    }
    readable(world, &vault)
        .await
        .map_err(|reason| format!("after the last collection: {reason}"))?;
    let plan = plan(&vault, &[]).await.map_err(said)?;
    if plan.free_packs > 0 {
        return Err(format!(
            "in the end {} packs are left that nothing needs",
            plan.free_packs
        ));
    }
    // Who makes a mistake damages the vault, which a check may find.
    match world.state().alarms.first() {
        Some(alarm) if !is_planted() => Err(format!("a check takes for damage what is none: {alarm}")),
        _ => Ok(()),
    }
}

/// Every backup that is committed reads as what was backed up; and what makers were told is true.
async fn readable(world: &World, vault: &Arc<Vault>) -> Result<(), String> {
    let index = vault
        .index(true)
        .await
        .map_err(|error| format!("no index: {error}"))?;
    let reader = Arc::new(vault.reader(index));
    let ids: Vec<BackupId> = {
        let state = world.state();
        let ids: BTreeSet<BackupId> = state
            .objects
            .keys()
            .filter_map(|key| Some(record_of(key)?.0))
            .collect();
        ids.into_iter().collect()
    };
    let mut committed = Vec::new();
    for id in ids {
        let record = match vault.record(id).await {
            Ok(record) => record,
            Err(Error::NotFound(_)) => continue,
            Err(error) => return Err(format!("the record of backup {id} cannot be read: {error}")),
        };
        committed.push(id);
        let lost = |error: Error| format!("backup {} is committed and cannot be read: {error}", id.short());
        let mut contents = Vec::new();
        let list = ListReader::of(&reader, &record.nodes[0]).map_err(lost)?;
        for entry in list.entries() {
            for chunk in data_chunks(&entry.map_err(lost)?.kind) {
                contents.push(reader.chunk(&chunk).map_err(lost)?[0]);
            }
        }
        if world.state().contents.get(&id) != Some(&contents) {
            return Err(format!(
                "backup {} is not what was backed up: {contents:?}",
                id.short()
            ));
        }
    }
    let state = world.state();
    let mut told = state.told.difference(&state.deleted);
    match told.find(|id| !committed.contains(id)) {
        Some(id) => Err(format!(
            "the maker of backup {} was told that it is committed, and it is not",
            id.short()
        )),
        None => Ok(()),
    }
}
