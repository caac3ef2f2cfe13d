use proptest::prelude::*;

use super::{Dsn, pairs};

fn parsed(text: &str) -> String {
    let dsn = Dsn::parse(text).expect("a connection string");
    let password = dsn
        .password()
        .map_or(String::new(), |password| format!(" + {}", password.reveal()));
    format!("{dsn}{password}")
}

#[test]
fn both_forms_are_read() {
    assert_eq!(
        parsed("postgresql://al%40ice:p%3Aw@db1:5433,[::1]/app?sslmode=verify-full&application_name=a%20b"),
        "application_name='a b' dbname=app host=db1,::1 port=5433, sslmode=verify-full user=al@ice + p:w"
    );
    assert_eq!(parsed("postgres:///app"), "dbname=app");
    assert_eq!(parsed("postgres://%2Fvar%2Frun/app"), "dbname=app host=/var/run");
    assert_eq!(
        parsed(r"host = localhost dbname='my \'own\' db'  password=a\ b"),
        r"dbname='my \'own\' db' host=localhost + a b"
    );
    assert_eq!(parsed(""), "");
    assert_eq!(parsed("dbname='' client_encoding=utf8"), "dbname=''");
}

#[test]
fn what_is_wrong_is_said_without_values() {
    for (text, reason) in [
        ("s3://secret", "address of something else"),
        ("secret", "no `=`"),
        ("host=a secret", "no `=`"),
        ("host='secret", "not closed"),
        ("host=secret\\", "backslash"),
        ("postgres://[::1secret/x", "bracket"),
        ("postgres://h/x?secret", "no `=`"),
        ("postgres://%zzsecret/x", "two digits"),
        ("postgres://%ff/x", "not text"),
        ("service=secret", "service files"),
        ("colour=secret", "unknown key `colour`"),
    ] {
        let error = Dsn::parse(text).expect_err(text);
        assert!(error.to_string().contains(reason), "{text}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{text}: {error:?}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let dsn = Dsn::parse("postgres://me:hunter2@h/db").expect("a connection string");
    assert!(!format!("{dsn} {dsn:?}").contains("hunter2"));
    assert_eq!(dsn.with_database("other").get("dbname"), Some("other"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,80}") {
        let _ = Dsn::parse(&text);
        let _ = Dsn::parse(&format!("postgresql://{text}"));
    }

    #[test]
    fn what_is_shown_is_read_back(value in "[^\0]{0,40}") {
        let read = pairs::read(&format!("dbname={}", pairs::quote(&value))).expect("pairs");
        prop_assert_eq!(read, [("dbname".to_owned(), value)]);
    }
}
