//! Who checks the vault beside the others: nothing is ever damaged in these histories, so that it may find nothing.

use std::sync::Arc;

use futures::future::BoxFuture;
use ostler_vocabulary::{Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::super::store::View;
use super::rest;
use crate::Vault;

pub(super) fn check<'a>(view: &'a View, vault: &'a Arc<Vault>, checks: u64) -> BoxFuture<'a, ()> {
    Box::pin(check_all(view, vault, checks))
}

async fn check_all(view: &View, vault: &Arc<Vault>, checks: u64) {
    let (progress, cancel) = (Progress::new(Unit::Bytes), CancellationToken::new());
    for _ in 0..checks {
        rest(view, vault, 120_000).await;
        match vault.check(false, &progress, &cancel).await {
            Ok(found) if found.problems.is_empty() && found.damaged.is_empty() => {}
            Ok(found) => {
                let mut state = view.world.state();
                state.note(view.actor, || format!("finds {found:?}"));
                state
                    .alarms
                    .push(format!("{:?} {:?}", found.problems, found.damaged));
            }
            Err(error) => view.world.state().note(view.actor, || format!("fails: {error}")),
        }
    }
}
