//! The collector's lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ostler_vocabulary::{Classified, ErrorKind, OperationId, ProcessIdentity};

use super::world::{World, ghost, lease};
use crate::{LEASE_TIME, LeaseHolder};

/// A holder that is alive.
fn living() -> LeaseHolder {
    LeaseHolder {
        process: ProcessIdentity::current(),
        operation: OperationId::random(),
        purpose: "a backup".into(),
    }
}

/// A holder on another machine, of which nothing can be known.
fn distant() -> LeaseHolder {
    LeaseHolder {
        process: ProcessIdentity {
            host: "elsewhere".into(),
            ..ProcessIdentity::current()
        },
        ..living()
    }
}

#[tokio::test]
async fn a_held_lease_is_busy_and_a_released_one_is_free() {
    let world = World::new().await;
    let first = world
        .vault
        .lease(living(), Duration::ZERO, &|_| {})
        .await
        .unwrap();
    first.confirm().await.unwrap();
    let error = lease(&world.vault).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("a backup"), "{error}");
    assert!(world.vault.lease_holder().await.unwrap().is_some());
    first.release().await.unwrap();
    assert_eq!(world.vault.lease_holder().await.unwrap(), None);
    let second = lease(&world.vault).await.unwrap();
    assert_eq!(second.epoch(), 2);
    second.release().await.unwrap();
}

#[tokio::test]
async fn a_backup_is_gone_on_with_by_the_newest_owner_of_its_operation_on_any_machine() {
    let world = World::new().await;
    let record = super::world::record("00".repeat(32), "host", 1_800_000_000);
    let by = |owner: LeaseHolder, attempt: Option<u64>| crate::Intent {
        owner: owner.process,
        attempt,
        ..super::world::intent_of(&record)
    };
    let first = world.vault.begin(&by(distant(), Some(1))).await.unwrap();
    for attempt in [None, Some(1)] {
        let busy = world.vault.resume(&by(living(), attempt)).await.unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Busy, "{attempt:?}");
    }
    let another = crate::Intent {
        operation: OperationId::random(),
        ..by(living(), Some(2))
    };
    let refused = world.vault.resume(&another).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let second = world.vault.resume(&by(living(), Some(2))).await.unwrap();
    // The first one wakes up.
    let late = world.vault.resume(&by(distant(), Some(1))).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Busy);
    second.commit(&record, &[]).await.unwrap();
    drop(first);
    second.finish().await.unwrap();
}

#[tokio::test]
async fn a_dead_holder_is_replaced_at_once_and_notices() {
    let world = World::new().await;
    let first = world.vault.lease(ghost(), Duration::ZERO, &|_| {}).await.unwrap();
    let second = lease(&world.vault).await.unwrap();
    second.confirm().await.unwrap();
    assert_eq!(first.confirm().await.unwrap_err().kind(), ErrorKind::Conflict);
    first.release().await.unwrap();
    second.confirm().await.unwrap();
}

#[tokio::test]
async fn a_holder_whose_beat_stands_still_is_replaced_after_the_lease_time() {
    let world = World::new().await;
    let slept = world
        .vault
        .lease(distant(), Duration::ZERO, &|_| {})
        .await
        .unwrap();
    let told = Arc::new(AtomicU32::new(0));
    let waiting = tokio::spawn({
        let (vault, told) = (Arc::clone(&world.vault), Arc::clone(&told));
        async move {
            let count = |_: &LeaseHolder| {
                told.fetch_add(1, Ordering::Relaxed);
            };
            vault.lease(ghost(), Duration::from_secs(3600), &count).await
        }
    });
    while told.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(LEASE_TIME);
    let taken = waiting.await.unwrap().unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 1);
    taken.confirm().await.unwrap();
    assert_eq!(slept.confirm().await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn of_many_that_try_at_once_one_gets_it() {
    let world = World::new().await;
    for _ in 0..8 {
        let tries: Vec<_> = (0..16)
            .map(|_| {
                let vault = Arc::clone(&world.vault);
                tokio::spawn(async move { vault.lease(living(), Duration::ZERO, &|_| {}).await })
            })
            .collect();
        let mut held = Vec::new();
        for one in tries {
            match one.await.unwrap() {
                Ok(lease) => held.push(lease),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Busy),
            }
        }
        assert_eq!(held.len(), 1);
        held.pop().unwrap().release().await.unwrap();
    }
    let chain = world
        .store
        .keys()
        .iter()
        .filter(|key| key.as_str().starts_with("leases/"))
        .count();
    assert_eq!(chain, 2, "what went before is tidied away");
}
