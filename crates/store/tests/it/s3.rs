//! A real S3 service, and a stand-in for the answers that a real one gives too rarely.

use std::sync::Arc;
use std::time::Duration;

use ostler_store::conformance::{Expect, check};
use ostler_store::{
    Bucket, Error, Key, Location, Options, Pause, Retry, RetryPolicy, S3Options, Store, open,
};
use ostler_testkit::servers::{SeaweedFs, seaweedfs};
use ostler_vocabulary::{Classified, ErrorKind, Secret, Span};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::stand_in::stand_in;

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn options(endpoint: String, id: &str, secret: &str) -> S3Options {
    S3Options {
        endpoint: Some(endpoint),
        access_key_id: Some(id.to_owned()),
        secret_access_key: Some(Secret::new(secret)),
        ..S3Options::default()
    }
}

fn admin(service: &SeaweedFs) -> S3Options {
    options(
        service.endpoint(),
        SeaweedFs::ACCESS_KEY_ID,
        SeaweedFs::SECRET_ACCESS_KEY,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_s3_service_keeps_the_contract_and_says_what_is_wrong() {
    let Some(service) = seaweedfs() else { return };
    let location: Location = format!("{}/some/prefix", service.bucket_url()).parse().unwrap();
    let store = open(
        &location,
        &Options {
            s3: admin(&service),
            ..Options::default()
        },
    )
    .unwrap();
    // It keeps folders and lists each in its own order.
    let expect = Expect {
        order_across_folders: false,
        ..Expect::default()
    };
    let found = check(&store, "suite", expect).await;
    assert!(found.is_empty(), "{found:#?}");

    // What is below another prefix of the same bucket is not seen.
    let beside = Bucket::s3(SeaweedFs::BUCKET, "some/pre", &admin(&service)).unwrap();
    assert!(beside.list("", None).await.unwrap().objects.is_empty());

    // No bucket: nobody may take that for missing objects.
    let nowhere = Bucket::s3("no-such-bucket", "", &admin(&service)).unwrap();
    for error in [
        nowhere.get(&key("a")).await.unwrap_err(),
        nowhere.head(&key("a")).await.unwrap_err(),
        nowhere.list("", None).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Gone { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("no-such-bucket"));
    }

    let reader = options(
        service.endpoint(),
        SeaweedFs::READER_KEY_ID,
        SeaweedFs::READER_SECRET,
    );
    let reader = Bucket::s3(SeaweedFs::BUCKET, "some/prefix", &reader).unwrap();
    let error = reader.create(&key("denied"), "x".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(error.hint().unwrap().contains(SeaweedFs::BUCKET), "{error:?}");
    assert!(!reader.list("suite/", None).await.unwrap().objects.is_empty());

    let wrong = options(service.endpoint(), SeaweedFs::ACCESS_KEY_ID, "not-the-secret");
    let wrong = Bucket::s3(SeaweedFs::BUCKET, "", &wrong).unwrap();
    let error = wrong.list("", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(!format!("{error:?}").contains("not-the-secret"));

    service.server().crash();
    let direct = Bucket::s3(SeaweedFs::BUCKET, "", &admin(&service)).unwrap();
    let error = direct.get(&key("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.hint().unwrap().contains(&service.endpoint()), "{error:?}");
}

#[tokio::test]
async fn answers_of_the_service_become_errors_that_help() {
    let skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>too far</Message></Error>";
    let signature = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>\
                     <StringToSign>hunter2</StringToSign></Error>";
    for (status, body, kind, hint) in [
        (
            "503 Slow Down",
            "<Error><Code>SlowDown</Code></Error>",
            ErrorKind::Unavailable,
            "later",
        ),
        ("500 Oops", "", ErrorKind::Unavailable, "later"),
        ("429 Too Many", "", ErrorKind::Unavailable, "later"),
        ("403 Forbidden", skewed, ErrorKind::Denied, "clock"),
        ("403 Forbidden", signature, ErrorKind::Denied, "region"),
        (
            "403 Forbidden",
            "<Error><Code>AccessDenied</Code></Error>",
            ErrorKind::Denied,
            "may do this",
        ),
        (
            "400 Bad",
            "<Error><Code>ExpiredToken</Code></Error>",
            ErrorKind::Denied,
            "renew",
        ),
        (
            "404 Not Found",
            "<Error><Code>NoSuchBucket</Code></Error>",
            ErrorKind::Unavailable,
            "bucket",
        ),
        ("412 Precondition Failed", "", ErrorKind::AlreadyExists, ""),
        (
            "409 Conflict",
            "<Error><Code>ConditionalRequestConflict</Code></Error>",
            ErrorKind::Unavailable,
            "later",
        ),
        // versitygw, where others empty the folder of the object's name meanwhile: nothing is there.
        (
            "409 Conflict",
            "<Error><Code>ExistingObjectIsDirectory</Code></Error>",
            ErrorKind::Unavailable,
            "later",
        ),
        (
            "409 Conflict",
            "<Error><Code>FileAlreadyExists</Code></Error>",
            ErrorKind::AlreadyExists,
            "",
        ),
        ("501 Not Implemented", "", ErrorKind::Unsupported, ""),
        ("507 Insufficient Storage", "", ErrorKind::Internal, "prune"),
        ("418 Teapot", "", ErrorKind::Internal, ""),
    ] {
        let service = stand_in(status, body).await;
        let store = Bucket::s3("bucket", "p", &options(service.endpoint.clone(), "id", "hunter2")).unwrap();
        let error = store.create(&key("a/b"), "x".into()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}: {error:?}");
        assert!(
            error.hint().unwrap_or_default().contains(hint),
            "{status} {body}: {:?}",
            error.hint()
        );
        assert!(
            error
                .to_string()
                .contains("cannot create object `a/b` in the store s3://bucket/p"),
            "{error}"
        );
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn a_success_that_is_none_is_neither_an_empty_listing_nor_a_stored_object() {
    let error = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>no</Message></Error>";
    for body in [error, "", "<html>a login page</html>"] {
        let service = stand_in("200 OK", body).await;
        let store = Bucket::s3("bucket", "", &options(service.endpoint.clone(), "id", "secret")).unwrap();
        let a = key("a");
        for failed in [
            store.list("", None).await.map(drop).unwrap_err(),
            store.create(&a, "x".into()).await.unwrap_err(),
            store.get(&a).await.map(drop).unwrap_err(),
            store.get_range(&a, 0..5).await.map(drop).unwrap_err(),
        ] {
            assert!(failed.is_transient(), "{body}: {failed:?}");
        }
    }
}

#[tokio::test]
async fn a_service_with_too_much_to_do_says_when_to_come_back() {
    let service = stand_in(
        "503 Slow Down\r\nRetry-After: 17",
        "<Error><Code>SlowDown</Code></Error>",
    )
    .await;
    let store = Bucket::s3("bucket", "", &options(service.endpoint.clone(), "id", "secret")).unwrap();
    match store.get(&key("a")).await.unwrap_err() {
        Error::SlowDown {
            after: Some(after), ..
        } => assert!((1..=17).contains(&after.as_secs()), "{after:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up_on() {
    let service = stand_in("", "").await;
    let patient = S3Options {
        timeout: Some(Span(Duration::from_secs(1))),
        ..options(service.endpoint.clone(), "id", "secret")
    };
    let store = Bucket::s3("bucket", "", &patient).unwrap();
    let error = store.get(&key("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
}

/// Counts the waits and does not wait.
#[derive(Debug, Default)]
struct Waits(std::sync::atomic::AtomicU32);

#[async_trait::async_trait]
impl Pause for Waits {
    async fn pause(&self, _: Duration) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Waits {
    fn taken(&self) -> u32 {
        self.0.swap(0, std::sync::atomic::Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_service_that_was_never_reached_is_soon_given_up_on_and_one_that_was_is_not() {
    let waits = Arc::new(Waits::default());
    let service = stand_in("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>").await;
    let store = Bucket::s3("bucket", "", &options(service.endpoint.clone(), "id", "secret")).unwrap();
    let store = Retry::with_pause(Arc::new(store), RetryPolicy::default(), waits.clone());
    assert!(matches!(store.get(&key("a")).await, Err(Error::NotFound(_))));
    let endpoint = service.endpoint.clone();
    service.task.abort();
    drop(service);
    while tokio::net::TcpStream::connect(endpoint.trim_start_matches("http://"))
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    let error = store.get(&key("a")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_eq!(
        waits.taken(),
        RetryPolicy::default().attempts - 1,
        "it may come back"
    );

    let store = Bucket::s3("bucket", "", &options(endpoint.clone(), "id", "secret")).unwrap();
    let store = Retry::with_pause(Arc::new(store), RetryPolicy::default(), waits.clone());
    let error = store.get(&key("a")).await.unwrap_err();
    assert_eq!(waits.taken(), 1);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(error.hint().unwrap().contains(&endpoint), "{error:?}");
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .to_string()
            .contains("refused"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_object_that_is_not_there_is_told_from_a_missing_bucket() {
    let service = stand_in("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>").await;
    let store: Arc<dyn Store> =
        Arc::new(Bucket::s3("bucket", "", &options(service.endpoint.clone(), "id", "secret")).unwrap());
    assert!(matches!(store.get(&key("a")).await, Err(Error::NotFound(_))));
    store.delete(&key("a")).await.unwrap();
    let service = stand_in("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>").await;
    let store = Bucket::s3("bucket", "", &options(service.endpoint.clone(), "id", "secret")).unwrap();
    assert!(matches!(store.get(&key("a")).await, Err(Error::Gone { .. })));
    assert!(store.delete(&key("a")).await.is_err());
}

#[tokio::test]
async fn https_is_spoken_over_tls_and_whoever_does_not_answer_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let store = Bucket::s3("bucket", "", &options(endpoint.clone(), "id", "secret")).unwrap();
    let greeted = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut record = [0; 6];
        stream.read_exact(&mut record).await.unwrap();
        record
    };
    let wanted = key("a");
    let (record, answer) = tokio::join!(greeted, store.get(&wanted));
    // A record of type handshake, and in it a client's greeting.
    assert_eq!(
        (record[0], record[1], record[5]),
        (0x16, 0x03, 0x01),
        "{record:?}"
    );
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");

    drop(listener);
    let error = store.get(&wanted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.hint().unwrap().contains(&endpoint), "{error:?}");
}
