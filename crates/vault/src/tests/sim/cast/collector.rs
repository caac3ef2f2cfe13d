//! Who deletes backups and frees space.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::join;
use ostler_store::Key;
use ostler_vocabulary::{BackupId, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::super::schedule::holder;
use super::super::store::View;
use super::rest;
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, record_of};
use crate::{Collecting, Error, Vault};

pub(super) fn collect<'a>(
    view: &'a View,
    vault: &'a Arc<Vault>,
    rounds: u64,
    grace: Duration,
) -> BoxFuture<'a, ()> {
    Box::pin(collect_all(view, vault, rounds, grace))
}

async fn collect_all(view: &View, vault: &Arc<Vault>, rounds: u64, grace: Duration) {
    for _ in 0..rounds {
        rest(view, vault, 120_000).await;
        if let Err(error) = round(view, vault, grace).await {
            view.world.state().note(view.actor, || format!("fails: {error}"));
        }
    }
}

async fn round(view: &View, vault: &Arc<Vault>, grace: Duration) -> Result<(), Error> {
    let planned = plan(view, vault).await?;
    let lease = vault
        .lease(holder(view), Duration::from_secs(100), &|_| {})
        .await?;
    let victims = view.world.state().dice.below(3);
    let mut chosen_ones = Vec::new();
    for id in planned {
        if vault.at_record(id).await? == AtRecord::Record {
            view.world.state().deleted.insert(id);
            chosen_ones.push(id);
        }
    }
    for _ in 0..victims {
        let (folder, committed) = match view.world.state().dice.once_in(4) {
            true => (INTENTS, false),
            false => (BACKUPS, true),
        };
        let there = vault.objects(folder).await?;
        if there.is_empty() {
            continue;
        }
        let chosen = view.world.state().dice.below(there.len() as u64) as usize;
        let Some(id) = named(folder, &there[chosen].key) else {
            continue;
        };
        // What is not committed is deleted only when its maker is known to be dead.
        if committed && vault.at_record(id).await? == AtRecord::Record {
            view.world
                .state()
                .note(view.actor, || format!("deletes backup {}", id.short()));
            view.world.state().deleted.insert(id);
            if view.world.state().dice.once_in(2) {
                chosen_ones.push(id);
                continue;
            }
            vault.delete_backup(id, &lease).await?;
        } else if !committed
            && vault.at_record(id).await? == AtRecord::Nothing
            && let Some(intent) = vault.intent(id).await?
            && vault.host().is_dead(&intent.owner)
        {
            vault.discard_backup(id, &lease).await?;
        }
    }
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let how = Collecting {
        grace,
        ..Collecting::default()
    };
    // As a prune does: what is needed without them is looked at while they are deleted.
    chosen_ones.sort();
    chosen_ones.dedup();
    let deletions = chosen_ones.iter().map(|id| vault.delete_backup(*id, &lease));
    let glance = vault.glance().await?;
    let look = async {
        match vault.recall(&chosen_ones, &glance) {
            Some(looked) => Ok(looked),
            None => vault.look_without(&chosen_ones, &cancel).await,
        }
    };
    let (deleted, looked) = join!(join_all(deletions), look);
    deleted.into_iter().collect::<Result<Vec<u64>, Error>>()?;
    let collected = vault
        .collect_looked(looked?, &lease, how, &progress, &cancel)
        .await?;
    view.world.state().note(view.actor, || format!("{collected:?}"));
    lease.release().await
}

/// Plans what to delete, as somebody does who goes on some time later; in other rounds nothing is planned.
async fn plan(view: &View, vault: &Arc<Vault>) -> Result<Vec<BackupId>, Error> {
    if !view.world.state().dice.once_in(3) {
        return Ok(Vec::new());
    }
    let glance = vault.glance().await?;
    let there = vault.objects(BACKUPS).await?;
    let mut chosen_ones = Vec::new();
    for object in &there {
        if view.world.state().dice.once_in(3) {
            chosen_ones.extend(named(BACKUPS, &object.key));
        }
    }
    vault.collect_plan(glance, &chosen_ones).await?;
    rest(view, vault, 200_000).await;
    Ok(chosen_ones)
}

/// The backup that an object is named for.
fn named(folder: &str, key: &Key) -> Option<BackupId> {
    match folder {
        BACKUPS => record_of(key).map(|(id, _)| id),
        folder => crate::catalogue::backup_of(folder, key),
    }
}
