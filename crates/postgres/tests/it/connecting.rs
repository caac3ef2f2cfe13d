//! Who gets in, and how.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ostler_postgres::{Connection, Dsn, Options, Target, Type};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_vocabulary::{Classified, ErrorKind};

use crate::{open, session, target};

#[tokio::test]
async fn every_release_answers_over_a_port_and_over_its_socket() {
    for release in Release::SUPPORTED {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let directory = server.directory().display().to_string();
        for text in [
            server.url("postgres"),
            format!(
                "host={directory} port={} user=postgres dbname=postgres",
                server.port()
            ),
        ] {
            let connection = open(&text).await;
            if text.contains(&directory) && connection.is_err() {
                // The directory is the server's own when the tests run as somebody else than root.
                continue;
            }
            let row = connection
                .unwrap()
                .one("SELECT 6 * $1::int", &[(&7, Type::INT4)])
                .await
                .unwrap();
            assert_eq!(row.get::<_, i32>(0), 42);
        }
    }
}

#[tokio::test]
async fn the_first_server_that_answers_is_taken() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let text = format!("host=127.0.0.1,127.0.0.1 port=1,{} user=postgres", server.port());
    let connection = open(&text).await.unwrap();
    assert_eq!(
        connection.name(),
        format!("127.0.0.1:1,127.0.0.1:{}/postgres", server.port())
    );
}

#[tokio::test]
async fn a_password_comes_from_the_file_or_the_environment_and_is_never_told() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    server.sql("postgres", "CREATE ROLE locked LOGIN PASSWORD 'hunter2'");
    let dsn = Dsn::parse(&server.url_of("locked", "postgres")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pgpass");
    fs::write(&file, format!("127.0.0.1:{}:*:locked:hunter2\n", server.port())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    let options = Options::default();

    for variable in [("PGPASSFILE", file), ("PGPASSWORD", "hunter2")] {
        let set = |name: &str| (name == variable.0).then(|| variable.1.to_owned());
        let target = Target::resolve(&dsn, &set).unwrap();
        Connection::open(&target, &options).await.unwrap();
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    let wrong = |name: &str| (name == "PGPASSWORD").then(|| "hunter3".to_owned());
    let target = Target::resolve(&dsn, &wrong).unwrap().called("main");
    let error = Connection::open(&target, &options).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.sqlstate()),
        (ErrorKind::Denied, Some("28P01"))
    );
    assert_eq!(error.to_string(), "cannot connect to main");
    assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    assert!(error.hint().is_some());

    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    let set = |name: &str| (name == "PGPASSFILE").then(|| file.to_owned());
    let error = Connection::open(&Target::resolve(&dsn, &set).unwrap(), &options)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Denied,
        "others can read the file: {error}"
    );
}

#[tokio::test]
async fn the_program_is_named_unless_the_connection_string_does() {
    let Some(server) = shared_postgres(Release::Thirteen) else {
        return;
    };
    let options = Options {
        application_name: Some("ostler test".into()),
        ..Options::default()
    };
    let text = server.url("postgres");
    for (text, shown) in [
        (text.clone(), "ostler test"),
        (format!("{text}?application_name=mine"), "mine"),
    ] {
        let connection = Connection::open(&target(&text), &options).await.unwrap();
        let row = connection.one("SHOW application_name", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), shown);
    }
}

#[tokio::test]
async fn what_is_said_with_notify_is_heard() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let mut listener = session(server).await;
    listener.batch("LISTEN here").await.unwrap();
    listener.batch("NOTIFY here, 'now'").await.unwrap();
    let heard = listener.notification().await.unwrap();
    assert_eq!((heard.channel.as_str(), heard.payload.as_str()), ("here", "now"));
    listener.close().await;
}
