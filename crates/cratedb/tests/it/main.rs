//! What the client makes of hosts that answer, and of those that do not.
#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

mod host;

use host::Host;
use ostler_cratedb::{Address, Client, Error, Target};
use ostler_vocabulary::{Classified, ErrorKind};
use serde_json::json;

const ONE: &str = r#"{"cols":["n"],"col_types":[9],"rows":[[1]],"rowcount":1,"duration":0.1}"#;

fn client(address: &str) -> Client {
    let target = Target::resolve(&Address::parse(address).unwrap(), &|_| None).unwrap();
    Client::new(&target).unwrap()
}

/// A port of which nobody listens.
fn nobody() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_statement_is_sent_with_its_parameters_user_and_schema() {
    let host = Host::plain(200, ONE);
    let client = client(&format!("crate://maint:hunter2@127.0.0.1:{}/metrics", host.port));
    let answer = client.execute("SELECT ?", &[json!(1)]).await.unwrap();
    assert_eq!((answer.rows, answer.rowcount), (vec![vec![json!(1)]], 1));
    let asked = host.asked();
    assert!(asked.starts_with("POST /_sql?types HTTP/1.1"), "{asked}");
    assert!(asked.contains("default-schema: metrics"), "{asked}");
    // maint:hunter2
    assert!(
        asked.contains("authorization: Basic bWFpbnQ6aHVudGVyMg=="),
        "{asked}"
    );
    assert!(asked.ends_with(r#"{"stmt":"SELECT ?","args":[1]}"#), "{asked}");
    assert!(!format!("{client:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_next_host_is_asked_when_one_cannot_be_reached() {
    let host = Host::plain(200, ONE);
    let client = client(&format!("crate://127.0.0.1:{},127.0.0.1:{}", nobody(), host.port));
    for _ in 0..2 {
        client.execute("SELECT 1", &[]).await.unwrap();
    }
    let none = self::client(&format!("crate://127.0.0.1:{}", nobody()));
    let error = none.execute("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(matches!(error, Error::Connect { .. }), "{error}");
}

#[tokio::test]
async fn whoever_was_reached_and_did_not_answer_may_have_run_it() {
    let (silent, other) = (Host::silent(), Host::plain(200, ONE));
    let client = client(&format!(
        "crate://127.0.0.1:{},127.0.0.1:{}",
        silent.port, other.port
    ));
    let error = client.execute("DELETE FROM t", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert!(error.to_string().contains("`DELETE FROM t`"), "{error}");
}

#[tokio::test]
async fn errors_name_the_host_and_the_head_of_the_statement() {
    let refusal = r#"{"error":{"message":"RelationUnknown[Relation 'doc.nope' unknown]","code":4041}}"#;
    let host = Host::plain(404, refusal);
    let client = client(&format!("crate://127.0.0.1:{}", host.port));
    let error = client.execute("SELECT *\n FROM doc.nope", &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some(4041)));
    let said = error.to_string();
    let expected = format!(
        "127.0.0.1:{}: Relation 'doc.nope' unknown (code 4041, RelationUnknown); the statement was `SELECT * FROM doc.nope`",
        host.port
    );
    assert_eq!(said, expected);

    let host = Host::plain(401, "password authentication failed for user \"maint\"\n");
    let client = self::client(&format!("crate://127.0.0.1:{}", host.port));
    let error = client.execute("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.hint().unwrap().contains("CRATEDB_PASSWORD"));

    let host = Host::plain(200, "<html>");
    let client = self::client(&format!("crate://127.0.0.1:{}", host.port));
    assert!(matches!(
        client.execute("SELECT 1", &[]).await,
        Err(Error::Answer { .. })
    ));
}

#[tokio::test]
async fn each_list_of_a_bulk_request_has_its_outcome() {
    let host = Host::plain(
        200,
        r#"{"cols":[],"results":[{"rowcount":1},{"rowcount":-2,"error":{"code":4091,"message":"DuplicateKeyException[x]"}}]}"#,
    );
    let client = client(&format!("crate://127.0.0.1:{}", host.port));
    let lists = [vec![json!(1)], vec![json!(1)]];
    let outcomes = client.bulk("INSERT INTO t VALUES (?)", &lists).await.unwrap();
    assert_eq!(
        outcomes.iter().map(|it| it.failed()).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(outcomes[1].error.as_ref().unwrap().code, 4091);
    let short = client
        .bulk("INSERT INTO t VALUES (?)", &lists[..1])
        .await
        .unwrap_err();
    assert!(matches!(short, Error::Answer { .. }), "{short}");
}

#[tokio::test]
async fn a_server_proves_who_it_is_unless_told_otherwise() {
    let (host, authority) = Host::secure(ONE);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let address = format!("crate://localhost:{}?ssl=true", host.port);
    let trusted = client(&format!("{address}&sslrootcert={}", file.display()));
    assert_eq!(trusted.execute("SELECT 1", &[]).await.unwrap().rowcount, 1);
    let any = client(&format!("crate://127.0.0.1:{}?sslmode=require", host.port));
    assert_eq!(any.execute("SELECT 1", &[]).await.unwrap().rowcount, 1);

    let (_, stranger) = Host::secure(ONE);
    std::fs::write(&file, stranger).unwrap();
    let doubtful = client(&format!("{address}&sslrootcert={}", file.display()));
    let error = doubtful.execute("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.hint().unwrap().contains("sslrootcert"));
}
