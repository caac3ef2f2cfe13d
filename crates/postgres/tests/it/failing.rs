//! What errors say.

use std::time::{Duration, Instant};

use ostler_postgres::{Connection, Error, Options};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{postgres, shared_postgres};
use ostler_vocabulary::{Classified, ErrorKind};

use crate::{open, session, target};

#[tokio::test]
async fn of_two_connections_the_broken_one_is_named_with_its_statement() {
    let (Some(good), Some(mut broken)) = (shared_postgres(Release::Fifteen), postgres(Release::Fifteen))
    else {
        return;
    };
    let options = Options::default();
    let source = Connection::open(&target(&good.url("postgres")).called("source"), &options)
        .await
        .unwrap();
    let other = Connection::open(&target(&broken.url("postgres")), &options)
        .await
        .unwrap();
    broken.stop();
    source.query("SELECT 1", &[]).await.unwrap();
    let error = other
        .query("SELECT\n  count(*) FROM pg_class", &[])
        .await
        .unwrap_err();
    let name = format!("127.0.0.1:{}/postgres", broken.port());
    // The cause first; what is long comes last.
    let told = error.to_string();
    assert!(told.starts_with(&format!("{name}: ")), "{told}");
    assert!(
        told.ends_with("; the statement was `SELECT count(*) FROM pg_class`"),
        "{told}"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_lost(), "{error:?}");
    let error = open(&broken.url("postgres")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_lost()),
        (ErrorKind::Unavailable, true),
        "{error:?}"
    );

    let error = source.query("SELECT nothing", &[]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "source: column \"nothing\" does not exist (SQLSTATE 42703); the statement was `SELECT nothing`"
    );
    assert_eq!(
        (error.kind(), error.sqlstate()),
        (ErrorKind::NotFound, Some("42703"))
    );
    assert!(!error.is_lost());
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled_and_the_session_goes_on() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let options = Options {
        statement_timeout: Some(Duration::from_millis(200)),
        ..Options::default()
    };
    let connection = Connection::open(&target(&server.url("postgres")), &options)
        .await
        .unwrap();
    let start = Instant::now();
    let error = connection.query("SELECT pg_sleep(60)", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    connection.query("SELECT 1", &[]).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(30), "it was cancelled");
}

#[tokio::test]
async fn nobody_there_is_a_timeout() {
    // A listener that never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = format!("host=127.0.0.1 port={port} user=u connect_timeout=1");
    let error = open(&text).await.unwrap_err();
    assert!(matches!(error, Error::ConnectTimeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_transaction_that_is_dropped_did_nothing() {
    let Some(server) = shared_postgres(Release::Thirteen) else {
        return;
    };
    let mut connection = session(server).await;
    connection.batch("CREATE TABLE t (a int)").await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    assert_eq!(
        transaction
            .execute("INSERT INTO t VALUES (1)", &[])
            .await
            .unwrap(),
        1
    );
    drop(transaction);
    let transaction = connection.transaction().await.unwrap();
    let error = transaction
        .execute("INSERT INTO t VALUES ('x')", &[])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    transaction.rollback().await.unwrap();
    assert!(connection.query("SELECT * FROM t", &[]).await.unwrap().is_empty());
    let error = connection.one("SELECT * FROM t", &[]).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("gave 0 rows instead of one; the statement was"),
        "{error}"
    );
}
