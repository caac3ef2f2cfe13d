//! A vault in a store that replaces objects without a word.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostler_store::probe::{Ability, Answer, Verdict};
use ostler_store::{Error, Key, Memory, Object, Page, Store};
use ostler_vocabulary::{Classified, ErrorKind, OperationId, ProcessIdentity, SystemClock};

use super::world::{commit, intent_of, record};
use crate::{InitOptions, LeaseHolder, Protect, Unlock, Vault, Writers};

/// Takes every `create`.
#[derive(Debug)]
struct Overwriting(Memory);

#[async_trait]
impl Store for Overwriting {
    fn location(&self) -> &str {
        "memory:overwriting"
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        // As a service on the way elsewhere would, between any two requests.
        tokio::task::yield_now().await;
        self.0.tamper(key, body);
        Ok(())
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        self.0.get(key).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        self.0.get_range(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        self.0.head(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        tokio::task::yield_now().await;
        self.0.list(prefix, after).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.0.delete(key).await
    }
}

/// The vault as several processes have it open.
async fn vaults(number: usize) -> Vec<Arc<Vault>> {
    let store: Arc<dyn Store> = Arc::new(Overwriting(Memory::new()));
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock: Arc::new(SystemClock::default()),
    };
    let made = Vault::init_for(Arc::clone(&store), options, None, Writers::One, None, |_| Ok(()))
        .await
        .unwrap();
    let unlock = [Unlock::KeyFile(made.key_file.unwrap())];
    let mut vaults = Vec::new();
    for _ in 0..number {
        let clock = Arc::new(SystemClock::default());
        let vault = Vault::open(Arc::clone(&store), &unlock, clock).await.unwrap();
        assert_eq!(vault.writers(), Writers::One, "it is written into the vault");
        vaults.push(Arc::new(vault));
    }
    vaults
}

fn holder() -> LeaseHolder {
    LeaseHolder {
        process: ProcessIdentity::current(),
        operation: OperationId::random(),
        purpose: "a test".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_the_lease_one_has_it_though_the_store_lets_all_create_it() {
    for _ in 0..20 {
        let vaults = vaults(8).await;
        let tries = vaults
            .iter()
            .map(|vault| vault.lease(holder(), Duration::ZERO, &|_| {}));
        let all = futures::future::join_all(tries).await;
        let held: Vec<_> = all.into_iter().flatten().collect();
        assert!(held.len() <= 1, "{} hold the lease", held.len());
        for lease in held {
            lease.confirm().await.unwrap();
            lease.release().await.unwrap();
        }
        // Whoever gave way finds it free.
        let lease = vaults[0]
            .lease(holder(), Duration::from_secs(120), &|_| {})
            .await
            .unwrap();
        lease.release().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_backup_and_a_deletion_wait_until_the_first_backup_is_over() {
    let vaults = vaults(2).await;
    let (first, second) = (record(String::new(), "a", 1), record(String::new(), "b", 2));
    let mut intent = intent_of(&first);
    intent.owner = ProcessIdentity::current();
    let writer = vaults[0].begin(&intent).await.unwrap();
    let refused = vaults[1]
        .lease(holder(), Duration::ZERO, &|_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.to_string().contains("one writer at a time"), "{refused}");

    let waiting = tokio::spawn({
        let (vault, second) = (Arc::clone(&vaults[1]), second.clone());
        async move { commit(&vault, &second).await }
    });
    // It asks, and asks again.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    writer.commit(&first, &[]).await.unwrap();
    writer.finish().await.unwrap();
    waiting.await.unwrap().unwrap();
    for record in [&first, &second] {
        assert_eq!(vaults[0].record(record.backup).await.unwrap(), *record);
    }
}

#[tokio::test]
async fn an_object_that_is_there_is_not_replaced() {
    let vault = &vaults(1).await[0];
    let first = record(String::new(), "a", 1);
    commit(vault, &first).await.unwrap();
    let other = crate::Record {
        ended: first.ended + Duration::from_secs(1),
        ..first.clone()
    };
    commit(vault, &other).await.unwrap_err();
    assert_eq!(vault.record(first.backup).await.unwrap(), first);
}

#[tokio::test]
async fn a_probe_sees_the_store_as_it_is_and_is_kept_in_the_vault() {
    let vault = &vaults(1).await[0];
    assert_eq!(vault.last_probe().await.unwrap(), None);
    let made = vault.probe().await.unwrap();
    let refuses = made.capabilities.answer(Ability::RefusesOverwrite);
    assert_eq!(refuses, Answer::No, "not as the vault makes up for it");
    assert_eq!(made.capabilities.decide(false).verdict, Verdict::SingleWriter);
    assert_eq!(vault.last_probe().await.unwrap(), Some(made));
    let check = super::world::check(vault, true).await;
    assert!(check.problems.is_empty(), "{:?}", check.problems);
}
