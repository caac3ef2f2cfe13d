//! Poolers between us and the server.

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{PgBouncer, Wire, pgbouncer, shared_postgres};

use crate::{open, target};

/// Makes the pooler have so many sessions with the server.
fn widen(pooler: &PgBouncer, sessions: usize) {
    let mut all: Vec<Wire> = (0..sessions)
        .map(|_| Wire::connect(pooler.port(), "postgres", "postgres").unwrap())
        .collect();
    for wire in &mut all {
        wire.query("BEGIN; SELECT 1").unwrap();
    }
    for wire in &mut all {
        wire.query("COMMIT").unwrap();
    }
}

#[tokio::test]
async fn a_pooler_of_transactions_is_noticed_however_it_lends_its_sessions() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    for more in ["server_round_robin = 0", "server_round_robin = 1"] {
        for sessions in 1..=4 {
            let Some(pooler) = pgbouncer(server, "transaction", more) else {
                return;
            };
            widen(&pooler, sessions);
            let url = pooler.url("postgres");
            let connection = open(&url).await.unwrap();
            let kept = connection.keeps_its_process(&target(&url)).await.unwrap();
            assert!(!kept, "{more}, {sessions} sessions");
        }
    }
}

#[tokio::test]
async fn who_is_alone_with_its_session_is_told_so() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let direct = server.url("postgres");
    let connection = open(&direct).await.unwrap();
    assert!(connection.keeps_its_process(&target(&direct)).await.unwrap());
    // With one session to lend, the second connection gets none.
    for more in ["", "default_pool_size = 1"] {
        let Some(pooler) = pgbouncer(server, "session", more) else {
            return;
        };
        let url = pooler.url("postgres");
        let connection = open(&url).await.unwrap();
        assert!(
            connection.keeps_its_process(&target(&url)).await.unwrap(),
            "{more}"
        );
    }
}
