//! Versions and locks: in memory, and in real services that enforce them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ostler_store::conformance::{Expect, check, check_versions};
use ostler_store::{
    Bucket, Counting, Earliest, Error, Judge, Key, Limits, Locking, Retry, RetryPolicy, S3Options, Store,
    Throttle, Verb, VersionedMemory, Worth, list_all,
};
use ostler_testkit::servers::{SeaweedFs, Signed, VersityGw, seaweedfs, versitygw};
use ostler_vocabulary::{Clock, ManualClock, Secret, SystemClock, Timestamp};

async fn assert_keeps_versions(store: Arc<dyn Store>, expect: Expect) {
    let found = check_versions(&store, "versions", Timestamp::now(), expect).await;
    assert!(found.is_empty(), "{store:?}: {found:#?}");
}

fn bucket(endpoint: String, (name, prefix): (&str, &str), key: &str, secret: &str) -> Arc<dyn Store> {
    let options = S3Options {
        endpoint: Some(endpoint),
        access_key_id: Some(key.to_owned()),
        secret_access_key: Some(Secret::new(secret)),
        ..S3Options::default()
    };
    Arc::new(Bucket::s3(name, prefix, &options).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_versions_and_the_contract_beside_them() {
    let store: Arc<dyn Store> = Arc::new(VersionedMemory::default());
    assert_keeps_versions(Arc::clone(&store), Expect::default()).await;
    let found = check(&store, "suite", Expect::default()).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_retried_counted_and_limited_as_objects_are() {
    let counted = Counting::new(Arc::new(VersionedMemory::default()));
    let (counters, limits) = (counted.counters(), Limits::default());
    let throttled = Throttle::new(Arc::new(counted), limits);
    let store: Arc<dyn Store> = Arc::new(Retry::new(Arc::new(throttled), RetryPolicy::default()));
    assert_keeps_versions(Arc::clone(&store), Expect::default()).await;
    counters.reset();
    let reader = locked(&store);
    reader.create(&key("backups/a"), "true".into()).await.unwrap();
    assert_eq!(reader.get(&key("backups/a")).await.unwrap(), "true");
    assert_eq!(reader.get_range(&key("backups/a"), 1..3).await.unwrap(), "ru");
    assert_eq!(list_all(&*reader, "backups/").await.unwrap().len(), 1);
    let counted = |verb| (counters.of(verb).requests, counters.of(verb).bytes);
    assert_eq!(counted(Verb::Create), (1, 4));
    assert_eq!(counted(Verb::Get), (1, 4));
    assert_eq!(counted(Verb::GetRange), (1, 2));
    // Once whether it is ours, once to list.
    assert_eq!(counted(Verb::List), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_with_object_lock_keeps_versions() {
    let Some(service) = versitygw() else { return };
    let (admin, secret) = (VersityGw::ACCESS_KEY_ID, VersityGw::SECRET_ACCESS_KEY);
    let expect = Expect {
        hidden_names_are_free: false,
        ..Expect::default()
    };
    let suite = bucket(service.endpoint(), (VersityGw::BUCKET, "suite"), admin, secret);
    assert_keeps_versions(suite, expect).await;
    let plain = bucket(
        service.endpoint(),
        (VersityGw::PLAIN, "some/prefix"),
        admin,
        secret,
    );
    // It answers with a conflict where a folder is emptied while something is put into it.
    let plain: Arc<dyn Store> = Arc::new(Retry::new(plain, RetryPolicy::default()));
    let found = check(&plain, "suite", Expect::default()).await;
    assert!(found.is_empty(), "{found:#?}");

    let place = (VersityGw::BUCKET, "some/prefix");
    let store = bucket(service.endpoint(), place, admin, secret);
    let (stolen, its_secret) = (VersityGw::WRITER_KEY_ID, VersityGw::WRITER_SECRET);
    // The writer's may not even add a delete marker: this thief has stolen both.
    let thief = bucket(service.endpoint(), place, admin, secret);
    let signed = Signed {
        key_id: stolen.to_owned(),
        secret: its_secret.to_owned(),
        ..service.signed()
    };
    let overwrite = |key: &Key, body: &str| {
        let path = format!("/{}/some/prefix/{key}", VersityGw::BUCKET);
        signed.expect("PUT", &path, &[], body).unwrap();
    };
    assert_unharmed(store, thief, &overwrite, expect).await;
}

/// Believes what begins with `true`.
#[derive(Debug)]
struct Believer;

impl Judge for Believer {
    fn worth(&self, key: &Key) -> Worth {
        match key.as_str().split('/').next() {
            Some("leases") => Worth::Passing,
            Some("packs") => Worth::ByContent,
            _ => Worth::ByName,
        }
    }

    fn is_authentic(&self, _: &Key, body: &Bytes) -> bool {
        body.starts_with(b"true")
    }
}

const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// The store as a vault that locks for a month uses it.
fn locked(store: &Arc<dyn Store>) -> Arc<Earliest> {
    let versions = store.versions().unwrap();
    let judge: Arc<dyn Judge> = Arc::new(Believer);
    let clock = Arc::new(SystemClock::default());
    let locking = Locking::new(
        Arc::clone(store),
        Arc::clone(&versions),
        Arc::clone(&judge),
        MONTH,
        clock,
    );
    Arc::new(Earliest::new(Arc::new(locking), versions, judge))
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

/// What a stolen key does: `overwrite` puts other bytes, the store's own `delete` a delete marker. Nothing of it is
/// seen by readers, who are told.
async fn assert_unharmed(
    store: Arc<dyn Store>,
    thief: Arc<dyn Store>,
    overwrite: &dyn Fn(&Key, &str),
    expect: Expect,
) {
    let writer = locked(&store);
    let names = ["backups/a", "backups/b", "backups/c", "packs/d"];
    for name in names {
        writer
            .create(&key(name), format!("true {name}").into())
            .await
            .unwrap();
    }
    writer.create(&key("leases/1"), "true".into()).await.unwrap();
    overwrite(&key("backups/a"), "true, says the thief, and longer");
    overwrite(&key("backups/b"), "false");
    thief.delete(&key("backups/b")).await.unwrap();
    thief.delete(&key("backups/c")).await.unwrap();
    overwrite(&key("packs/d"), "false");
    // There before us, hidden from the condition of our own create.
    let hidden = expect.hidden_names_are_free;
    if hidden {
        overwrite(&key("backups/e"), "false");
        thief.delete(&key("backups/e")).await.unwrap();
        writer.create(&key("backups/e"), "true e".into()).await.unwrap();
    }

    let reader = locked(&store);
    for name in names {
        let wanted = format!("true {name}");
        assert_eq!(reader.get(&key(name)).await.unwrap(), wanted, "{name}");
        assert_eq!(
            reader.get_range(&key(name), 1..6).await.unwrap(),
            wanted[1..6],
            "{name}"
        );
        assert_eq!(
            reader.head(&key(name)).await.unwrap().size,
            wanted.len() as u64,
            "{name}"
        );
    }
    if hidden {
        assert_eq!(reader.get(&key("backups/e")).await.unwrap(), "true e");
    }
    let listed = locked(&store);
    let seen: Vec<(String, u64)> = list_all(&*listed, "")
        .await
        .unwrap()
        .into_iter()
        .map(|object| (object.key.to_string(), object.size))
        .collect();
    let size = |name: &str| (name.to_owned(), 5 + name.len() as u64);
    let mut wanted = names.map(size).to_vec();
    wanted.insert(3, ("backups/e".to_owned(), 6));
    wanted.insert(4, ("leases/1".to_owned(), 4));
    wanted.retain(|(name, _)| hidden || name != "backups/e");
    assert_eq!(seen, wanted);
    for told in [reader.tampering(), listed.tampering()] {
        let told: Vec<(&str, usize, bool)> = told
            .iter()
            .map(|one| (one.key.as_str(), one.added, one.is_readable))
            .collect();
        let mut wanted = vec![
            ("backups/a", 1, true),
            ("backups/b", 2, true),
            ("backups/c", 1, true),
            ("backups/e", 2, true),
            ("packs/d", 1, true),
        ];
        wanted.retain(|(name, ..)| hidden || *name != "backups/e");
        assert_eq!(told, wanted);
    }
    // What is hidden is there all the same: nothing takes its place.
    let again = reader.create(&key("backups/c"), "true and new".into()).await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))), "{again:?}");
    assert_eq!(
        locked(&store).get(&key("backups/c")).await.unwrap(),
        "true backups/c"
    );
    // Nobody deletes it before its time, with any credentials.
    for store in [&store, &thief] {
        let done = locked(store).delete(&key("backups/a")).await;
        done.unwrap_err();
    }
    assert_eq!(
        locked(&store).get(&key("backups/a")).await.unwrap(),
        "true backups/a"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn overwrites_and_delete_markers_are_harmless_and_reported() {
    let memory = VersionedMemory::default();
    let thief = Arc::new(memory.for_writers());
    let overwrite = |key: &Key, body: &str| memory.overwrite(key, body.to_owned());
    assert_unharmed(Arc::new(memory.clone()), thief, &overwrite, Expect::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_object_lock_keeps_versions_and_a_stolen_key_harms_nothing() {
    let Some(service) = seaweedfs() else { return };
    service.make_locking_bucket("locking").unwrap();
    let (admin, secret) = (SeaweedFs::ACCESS_KEY_ID, SeaweedFs::SECRET_ACCESS_KEY);
    let suite = bucket(service.endpoint(), ("locking", "suite"), admin, secret);
    assert_keeps_versions(suite, Expect::default()).await;
    let place = ("locking", "some/prefix");
    let store = bucket(service.endpoint(), place, admin, secret);
    let (stolen, its_secret) = (SeaweedFs::WRITER_KEY_ID, SeaweedFs::WRITER_SECRET);
    let thief = bucket(service.endpoint(), place, stolen, its_secret);
    let signed = Signed {
        key_id: stolen.to_owned(),
        secret: its_secret.to_owned(),
        ..service.signed()
    };
    let overwrite = |key: &Key, body: &str| {
        let path = format!("/locking/some/prefix/{key}");
        signed.expect("PUT", &path, &[], body).unwrap();
    };
    assert_unharmed(store, thief, &overwrite, Expect::default()).await;
}

#[tokio::test]
async fn what_is_no_longer_locked_is_deleted_with_all_its_versions() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
    let memory = VersionedMemory::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let versions = store.versions().unwrap();
    let until = clock.now() + MONTH;
    versions
        .create_locked(&key("backups/a"), "true".into(), until)
        .await
        .unwrap();
    memory.overwrite(&key("backups/a"), "false");
    store.delete(&key("backups/a")).await.unwrap();
    let vault = locked(&store);
    vault.delete(&key("backups/a")).await.unwrap_err();
    assert_eq!(vault.get(&key("backups/a")).await.unwrap(), "true");
    clock.advance(MONTH);
    vault.delete(&key("backups/a")).await.unwrap();
    assert!(versions.of(&key("backups/a")).await.unwrap().is_empty());
    let gone = vault.get(&key("backups/a")).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
}
