//! Real servers of the other kinds: Azure Blob Storage, Google Cloud Storage, SFTP.

use std::fs;
use std::sync::Arc;

use ostler_store::conformance::{Expect, check};
use ostler_store::{
    AzureOptions, Bucket, Error, Gcs, GcsOptions, Key, Location, Options, Retry, RetryPolicy, Sftp,
    SftpOptions, Store, open,
};
use ostler_testkit::servers::{Azurite, FakeGcs, Sshd, azurite, fake_gcs, sshd};
use ostler_vocabulary::{Classified, ErrorKind, Secret};

use crate::stand_in::stand_in;

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

async fn assert_keeps_contract(store: &Arc<dyn Store>) {
    let found = check(store, "suite", Expect::default()).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_azure_container_keeps_the_contract_and_says_what_is_wrong() {
    let Some(service) = azurite() else { return };
    let azure = AzureOptions {
        account: Some(Azurite::ACCOUNT.into()),
        access_key: Some(Secret::new(Azurite::KEY)),
        endpoint: Some(service.endpoint()),
        ..AzureOptions::default()
    };
    let location: Location = format!("azure://{}/some/prefix", Azurite::CONTAINER)
        .parse()
        .unwrap();
    let options = Options {
        azure: azure.clone(),
        ..Options::default()
    };
    assert_keeps_contract(&open(&location, &options).unwrap()).await;

    let nowhere = Bucket::azure("no-such-container", "", &azure).unwrap();
    for error in [
        nowhere.create(&key("a"), "x".into()).await.unwrap_err(),
        nowhere.get(&key("a")).await.unwrap_err(),
        nowhere.head(&key("a")).await.unwrap_err(),
        nowhere.list("", None).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Gone { .. }), "{error:?}");
    }
    let wrong = AzureOptions {
        access_key: Some(Secret::new("bm90IHRoZSBrZXk=")),
        ..azure.clone()
    };
    let wrong = Bucket::azure(Azurite::CONTAINER, "", &wrong).unwrap();
    let error = wrong.list("", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(!format!("{error:?}").contains("bm90IHRoZSBrZXk="));

    service.server().crash();
    let gone = Bucket::azure(Azurite::CONTAINER, "", &azure).unwrap();
    let error = gone.get(&key("a")).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_bucket_keeps_the_contract_and_says_what_is_wrong() {
    let Some(service) = fake_gcs() else { return };
    let gcs = GcsOptions {
        anonymous: true,
        endpoint: Some(service.endpoint()),
        ..GcsOptions::default()
    };
    let location: Location = format!("gs://{}/some/prefix", FakeGcs::BUCKET).parse().unwrap();
    let options = Options {
        gcs: gcs.clone(),
        ..Options::default()
    };
    assert_keeps_contract(&open(&location, &options).unwrap()).await;

    let nowhere = Gcs::open("no-such-bucket", "", &gcs).unwrap();
    for error in [
        nowhere.create(&key("a"), "x".into()).await.unwrap_err(),
        nowhere.get(&key("a")).await.unwrap_err(),
        nowhere.head(&key("a")).await.unwrap_err(),
        nowhere.list("", None).await.unwrap_err(),
        nowhere.delete(&key("a")).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Gone { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("no-such-bucket"), "{error:?}");
    }

    service.server().crash();
    let gone = Gcs::open(FakeGcs::BUCKET, "", &gcs).unwrap();
    let error = gone.get(&key("a")).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

/// What Google says, as it says it.
#[tokio::test]
async fn answers_of_google_become_errors_that_help() {
    let body = |code: u16, reason: &str, message: &str| {
        serde_json::json!({"error": {"code": code, "message": message, "errors": [{"reason": reason}]}})
            .to_string()
    };
    for (status, reason, kind, hint) in [
        (401, "authError", ErrorKind::Denied, "does not accept"),
        (403, "forbidden", ErrorKind::Denied, "may do this"),
        (412, "conditionNotMet", ErrorKind::AlreadyExists, ""),
        (429, "rateLimitExceeded", ErrorKind::Unavailable, "later"),
        (503, "backendError", ErrorKind::Unavailable, "later"),
        (400, "invalid", ErrorKind::Internal, ""),
    ] {
        let service = stand_in(&format!("{status} Said"), &body(status, reason, "so it is")).await;
        let gcs = GcsOptions {
            anonymous: true,
            endpoint: Some(service.endpoint.clone()),
            ..GcsOptions::default()
        };
        let store = Gcs::open("bucket", "p", &gcs).unwrap();
        let error = store.create(&key("a/b"), "x".into()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error:?}");
        assert!(
            error.hint().unwrap_or_default().contains(hint),
            "{status}: {error:?}"
        );
        assert!(
            error
                .to_string()
                .contains("cannot create object `a/b` in the store gs://bucket/p"),
            "{error}"
        );
    }
}

fn login(service: &Sshd) -> SftpOptions {
    SftpOptions {
        identity_file: Some(service.identity()),
        known_hosts_file: Some(service.known_hosts()),
        config_file: Some(service.client_configuration()),
        timeout: None,
    }
}

fn remote(url: &str) -> ostler_store::Remote {
    match url.parse().unwrap() {
        Location::Sftp(remote) => remote,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_behind_ssh_keeps_the_contract() {
    let Some(service) = sshd() else { return };
    let store: Arc<dyn Store> = Arc::new(Sftp::open(
        &remote(&service.url("made/when/needed")),
        &login(&service),
    ));
    assert_keeps_contract(&store).await;
    // Nothing unfinished is left.
    let left = fs::read_dir(service.files().join("made/when/needed/tmp")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_log_in_or_write_by_ssh_is_told_what_to_do() {
    let Some(service) = sshd() else { return };
    let at = remote(&service.url("vault"));
    let open = |change: &dyn Fn(&mut SftpOptions)| {
        let mut options = login(&service);
        change(&mut options);
        Sftp::open(&at, &options)
    };
    let stranger = open(&|options| options.identity_file = Some(service.other_identity()));
    let error = stranger.list("", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.hint().unwrap().contains("identity_file"), "{error:?}");

    let unknown = open(&|options| options.known_hosts_file = Some("/dev/null".into()));
    let error = unknown.list("", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.hint().unwrap().contains("known hosts"), "{error:?}");

    // An empty listing where nothing was ever written; an error where everything has gone.
    let store = open(&|_| {});
    assert!(store.list("", None).await.unwrap().objects.is_empty());
    assert!(matches!(store.get(&key("a")).await, Err(Error::NotFound(_))));
    store.create(&key("a"), "x".into()).await.unwrap();
    let root = service.files().join("vault");
    fs::rename(&root, root.with_extension("away")).unwrap();
    for error in [
        store.get(&key("a")).await.unwrap_err(),
        store.head(&key("a")).await.unwrap_err(),
        store.list("", None).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Gone { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_made_again() {
    let Some(service) = sshd() else { return };
    let direct = Sftp::open(&remote(&service.url("vault")), &login(&service));
    direct.create(&key("a"), "x".into()).await.unwrap();
    // The processes of connections come from the server that listens.
    let end_connections = || {
        let script =
            "for one in $(pgrep -P $0); do pkill -KILL -P $one; kill -KILL $one 2>/dev/null || true; done";
        let ended = std::process::Command::new("sh")
            .args(["-c", script, &service.server().pid().to_string()])
            .status()
            .unwrap();
        assert!(ended.success());
    };
    end_connections();
    // The end is noticed before the next request, or by it.
    if let Err(error) = direct.get(&key("a")).await {
        assert!(error.is_transient(), "{error:?}");
    }
    assert_eq!(direct.get(&key("a")).await.unwrap(), "x");
    let again = Retry::new(Arc::new(direct), RetryPolicy::default());
    end_connections();
    assert_eq!(again.get(&key("a")).await.unwrap(), "x");
}
