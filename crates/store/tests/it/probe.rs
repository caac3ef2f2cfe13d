//! What a probe finds: in stores that do all, in stores that lie in one way each, and in real services of both kinds.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ostler_store::probe::{Ability, Answer, Capabilities, Verdict, probe};
use ostler_store::{
    AzureOptions, Bucket, Error, Faults, Gcs, GcsOptions, Key, Local, Memory, Misfortune, Object, Page,
    Retry, RetryPolicy, S3Options, Sftp, SftpOptions, Store, Verb, VersionedMemory, list_all,
};
use ostler_testkit::servers::{
    Azurite, FakeGcs, Moto, SeaweedFs, VersityGw, azurite, fake_gcs, moto, seaweedfs, sshd, versitygw,
};
use ostler_vocabulary::{Classified, ErrorKind, Secret};

/// One way of breaking the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    Overwrites,
    PretendsToCreate,
    ForgetsTheLoser,
    SeveralWinners,
    ReadsLate,
    ReadsShort,
    TellsWrongSizes,
    IgnoresRanges,
    ListsLate,
    ListsBackwards,
    ForgetsAfter,
    KeepsDeleted,
    ListsDeleted,
}

#[derive(Debug)]
struct Liar {
    inner: Arc<Memory>,
    lie: Lie,
    asked: AtomicUsize,
}

impl Liar {
    fn telling(lie: Lie) -> Arc<dyn Store> {
        Arc::new(Self {
            inner: Arc::new(Memory::new()),
            lie,
            asked: AtomicUsize::new(0),
        })
    }

    fn is_first(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) == 0
    }
}

#[async_trait]
impl Store for Liar {
    fn location(&self) -> &str {
        "memory:liar"
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        match self.lie {
            Lie::Overwrites => {
                self.inner.tamper(key, body);
                Ok(())
            }
            Lie::PretendsToCreate => self.inner.create(key, body).await.or(Ok(())),
            Lie::ForgetsTheLoser => {
                let done = self.inner.create(key, body.clone()).await;
                self.inner.tamper(key, body);
                done
            }
            Lie::SeveralWinners => {
                if self.inner.head(key).await.is_ok() {
                    return self.inner.create(key, body).await;
                }
                // Between the look and the write.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                self.inner.tamper(key, body);
                Ok(())
            }
            _ => self.inner.create(key, body).await,
        }
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        let got = self.inner.get(key).await?;
        match self.lie {
            Lie::ReadsLate if self.is_first() => self.inner.get(&Key::new("nothing").unwrap()).await,
            Lie::ReadsShort => Ok(got.slice(..got.len() / 2)),
            _ => Ok(got),
        }
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        match self.lie {
            Lie::IgnoresRanges => self.inner.get(key).await,
            _ => self.inner.get_range(key, range).await,
        }
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let mut object = self.inner.head(key).await?;
        if self.lie == Lie::TellsWrongSizes {
            object.size += 1;
        }
        Ok(object)
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        let after = after.filter(|_| self.lie != Lie::ForgetsAfter);
        let mut page = self.inner.list(prefix, after).await?;
        match self.lie {
            Lie::ListsLate => drop(page.objects.pop()),
            Lie::ListsBackwards => page.objects.reverse(),
            Lie::ListsDeleted if prefix.ends_with("delete/") => {
                let key = Key::new(format!("{prefix}object")).unwrap();
                page.objects.push(Object {
                    key,
                    size: 0,
                    modified: None,
                });
            }
            _ => {}
        }
        Ok(page)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        match self.lie {
            Lie::KeepsDeleted => Ok(()),
            _ => self.inner.delete(key).await,
        }
    }
}

async fn probed(store: &Arc<dyn Store>) -> Capabilities {
    probe(store, "scratch/1").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lie_is_found_out_and_has_its_consequence() {
    for (lie, ability, verdict) in [
        (Lie::Overwrites, Ability::RefusesOverwrite, Verdict::SingleWriter),
        (
            Lie::PretendsToCreate,
            Ability::RefusesOverwrite,
            Verdict::SingleWriter,
        ),
        (
            Lie::ForgetsTheLoser,
            Ability::RefusesOverwrite,
            Verdict::SingleWriter,
        ),
        (Lie::SeveralWinners, Ability::OneWinner, Verdict::SingleWriter),
        (Lie::ReadsLate, Ability::ReadsBack, Verdict::Refused),
        (Lie::ReadsShort, Ability::ReadsBack, Verdict::Refused),
        (Lie::TellsWrongSizes, Ability::ReadsBack, Verdict::Refused),
        (Lie::IgnoresRanges, Ability::Ranges, Verdict::Refused),
        (Lie::ListsLate, Ability::ListsAtOnce, Verdict::Refused),
        (Lie::ListsBackwards, Ability::ListsInOrder, Verdict::Refused),
        (Lie::ForgetsAfter, Ability::ListsInOrder, Verdict::Refused),
        (Lie::KeepsDeleted, Ability::Deletes, Verdict::Fit),
        (Lie::ListsDeleted, Ability::Deletes, Verdict::Fit),
    ] {
        let found = probed(&Liar::telling(lie)).await;
        assert_eq!(found.answer(ability), Answer::No, "{lie:?}: {found:?}");
        let decision = found.decide(false);
        assert_eq!(decision.verdict, verdict, "{lie:?}: {decision:?}");
        let said = decision.reasons.len() + decision.remarks.len();
        assert!(said > 0, "{lie:?}: {decision:?}");
    }
}

/// All that a vault stands on is there.
fn assert_fit(found: &Capabilities, checksums: Answer) {
    let decision = found.decide(false);
    assert_eq!(decision.verdict, Verdict::Fit, "{found:#?}");
    assert_eq!(decision.reasons, [""; 0]);
    assert_eq!(found.answer(Ability::Deletes), Answer::Yes, "{found:#?}");
    assert_eq!(found.answer(Ability::Checksums), checksums, "{found:#?}");
}

async fn assert_clean(store: &Arc<dyn Store>) {
    assert_eq!(
        list_all(&**store, "").await.unwrap(),
        [],
        "a probe leaves nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_a_directory_can_do_all_and_are_left_clean() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(Memory::new()),
        Arc::new(Local::open(directory.path().join("vault")).unwrap()),
    ];
    for store in stores {
        assert_fit(&probed(&store).await, Answer::Unknown);
        assert_clean(&store).await;
    }
    let versioned = VersionedMemory::default();
    let store: Arc<dyn Store> = Arc::new(versioned.clone());
    let found = probed(&store).await;
    assert_eq!(found.decide(true).verdict, Verdict::Fit, "{found:#?}");
    let left = store.versions().unwrap().list("", None).await.unwrap();
    assert_eq!(left.keys, [], "not even a delete marker");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_delete_are_fit_and_those_that_cannot_create_are_an_error() {
    let faults = Faults::new(Arc::new(Memory::new()));
    faults.always(Verb::Delete, "", Misfortune::Reject(ErrorKind::Denied));
    let store: Arc<dyn Store> = Arc::new(faults);
    let found = probed(&store).await;
    let decision = found.decide(false);
    assert_eq!(decision.verdict, Verdict::Fit);
    assert!(decision.remarks[0].contains("cannot be freed"), "{decision:?}");

    let faults = Faults::new(Arc::new(Memory::new()));
    faults.always(Verb::Create, "", Misfortune::Reject(ErrorKind::Denied));
    let store: Arc<dyn Store> = Arc::new(faults);
    let error = probe(&store, "scratch/1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[test]
fn capabilities_are_written_and_read_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let found = runtime.block_on(probed(&store));
    let json = serde_json::to_string(&found).unwrap();
    assert!(
        json.starts_with(r#"[{"ability":"reads_back","answer":"yes","evidence":""#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Capabilities>(&json).unwrap(), found);
}

fn s3(endpoint: String, bucket: &str, prefix: &str) -> Arc<dyn Store> {
    let options = S3Options {
        endpoint: Some(endpoint),
        access_key_id: Some(SeaweedFs::ACCESS_KEY_ID.into()),
        secret_access_key: Some(Secret::new(SeaweedFs::SECRET_ACCESS_KEY)),
        ..S3Options::default()
    };
    Arc::new(Bucket::s3(bucket, prefix, &options).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_s3_service_is_fit_and_tells_buckets_that_lock_from_others() {
    let Some(service) = seaweedfs() else { return };
    let store = s3(service.endpoint(), SeaweedFs::BUCKET, "some/prefix");
    let found = probed(&store).await;
    assert_fit(&found, Answer::Yes);
    assert_clean(&store).await;
    assert_eq!(found.answer(Ability::Locks), Answer::No, "{found:#?}");
    assert_eq!(found.decide(true).verdict, Verdict::Refused);

    service.make_locking_bucket("locking").unwrap();
    let found = probed(&s3(service.endpoint(), "locking", "")).await;
    assert_fit(&found, Answer::Yes);
    assert_eq!(found.decide(true).verdict, Verdict::Fit, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_real_s3_service_is_fit_and_tells_buckets_that_lock_from_others() {
    let Some(service) = versitygw() else { return };
    let plain = s3(service.endpoint(), VersityGw::PLAIN, "some/prefix");
    let found = probed(&plain).await;
    assert_fit(&found, Answer::Yes);
    assert_clean(&plain).await;
    assert_eq!(found.decide(true).verdict, Verdict::Refused);
    let found = probed(&s3(service.endpoint(), VersityGw::BUCKET, "")).await;
    assert_eq!(found.decide(true).verdict, Verdict::Fit, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_s3_service_that_ignores_conditions_is_found_out() {
    let Some(service) = moto() else { return };
    // It answers 500 to one or the other of many requests at once.
    let patient: Arc<dyn Store> = Arc::new(Retry::new(
        s3(service.endpoint(), Moto::BUCKET, ""),
        RetryPolicy::default(),
    ));
    let found = probed(&patient).await;
    assert_eq!(found.answer(Ability::RefusesOverwrite), Answer::No, "{found:#?}");
    assert_eq!(found.answer(Ability::OneWinner), Answer::No, "{found:#?}");
    assert_eq!(found.answer(Ability::Checksums), Answer::No, "{found:#?}");
    let decision = found.decide(false);
    assert_eq!(decision.verdict, Verdict::SingleWriter, "{decision:#?}");
    assert!(
        decision.reasons[0].contains("replaced the first"),
        "{decision:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_google_and_ssh_are_fit() {
    if let Some(service) = azurite() {
        let azure = AzureOptions {
            account: Some(Azurite::ACCOUNT.into()),
            access_key: Some(Secret::new(Azurite::KEY)),
            endpoint: Some(service.endpoint()),
            ..AzureOptions::default()
        };
        let store: Arc<dyn Store> = Arc::new(Bucket::azure(Azurite::CONTAINER, "p", &azure).unwrap());
        assert_fit(&probed(&store).await, Answer::Unknown);
        assert_clean(&store).await;
    }
    if let Some(service) = fake_gcs() {
        let gcs = GcsOptions {
            anonymous: true,
            endpoint: Some(service.endpoint()),
            ..GcsOptions::default()
        };
        let store: Arc<dyn Store> = Arc::new(Gcs::open(FakeGcs::BUCKET, "p", &gcs).unwrap());
        assert_fit(&probed(&store).await, Answer::Yes);
        assert_clean(&store).await;
    }
    if let Some(service) = sshd() {
        let options = SftpOptions {
            identity_file: Some(service.identity()),
            known_hosts_file: Some(service.known_hosts()),
            config_file: Some(service.client_configuration()),
            timeout: None,
        };
        let ostler_store::Location::Sftp(remote) = service.url("vault").parse().unwrap() else {
            panic!("an address of another kind");
        };
        let store: Arc<dyn Store> = Arc::new(Sftp::open(&remote, &options));
        assert_fit(&probed(&store).await, Answer::Unknown);
        assert_clean(&store).await;
    }
}
