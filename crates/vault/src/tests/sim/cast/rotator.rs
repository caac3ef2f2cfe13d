//! Who rotates keys, some because they have leaked.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use ostler_vocabulary::{OperationId, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::super::schedule::holder;
use super::super::store::View;
use super::rest;
use crate::{Collecting, Error, Lease, Vault};

pub(super) fn rotate<'a>(view: &'a View, vault: &'a Arc<Vault>, rotations: u64) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        for _ in 0..rotations {
            rest(view, vault, 120_000).await;
            let gives_up = !view.world.state().dice.once_in(3);
            match rotation(view, vault, gives_up).await {
                Ok(left) => view
                    .world
                    .state()
                    .note(view.actor, || format!("rotated, left: {left:?}")),
                Err(error) => view.world.state().note(view.actor, || format!("fails: {error}")),
            }
        }
    })
}

async fn rotation(view: &View, vault: &Arc<Vault>, gives_up: bool) -> Result<Vec<String>, Error> {
    let lease = vault
        .lease(holder(view), Duration::from_secs(100), &|_| {})
        .await?;
    vault.renew_keys().await?;
    if !gives_up || vault.giving_up().is_none() || !vault.stray_epochs().is_empty() {
        next_epoch(vault, gives_up, &lease).await?;
    }
    lease.release().await?;
    if !gives_up {
        return Ok(Vec::new());
    }
    let lease = vault
        .lease(holder(view), Duration::from_secs(100), &|_| {})
        .await?;
    let left = give_up_epochs(vault, &lease).await?;
    lease.release().await?;
    Ok(left)
}

pub(in super::super) async fn next_epoch(
    vault: &Arc<Vault>,
    gives_up: bool,
    lease: &Lease,
) -> Result<(), Error> {
    let operation = OperationId::from_bytes(crate::cipher::random()?);
    let after = vault.current_epoch();
    vault.rotate(after, gives_up, operation, lease).await.map(drop)
}

/// What is done after a rotation because of a leak.
pub(in super::super) async fn give_up_epochs(
    vault: &Arc<Vault>,
    lease: &Lease,
) -> Result<Vec<String>, Error> {
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    let how = Collecting::default();
    vault.settle_old_writers(how, &cancel).await?;
    vault.collect(lease, how, &progress, &cancel).await?;
    vault.seal_anew(lease, &progress, &cancel).await?;
    vault.give_up_old_epochs(lease, &cancel).await
}
