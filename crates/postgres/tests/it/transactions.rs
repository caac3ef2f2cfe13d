//! Transactions that nobody ends.

use std::time::Duration;

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;

use crate::session;

#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back_before_the_next_statement() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let session = session(server).await;
    session.batch("CREATE TABLE t (n int)").await.unwrap();
    let add = async |n: i32| {
        let sql = format!("INSERT INTO t VALUES ({n})");
        session.execute(&sql, &[]).await.unwrap();
    };
    let transaction = session.begin("BEGIN").await.unwrap();
    add(1).await;
    drop(transaction);
    add(2).await;
    // Dropped while a statement of it runs.
    let work = async {
        let _transaction = session.begin("BEGIN").await.unwrap();
        add(3).await;
        session.batch("SELECT pg_sleep(0.2)").await.unwrap();
        std::future::pending::<()>().await;
    };
    let dropped = tokio::time::timeout(Duration::from_millis(50), work).await;
    assert!(dropped.is_err());
    add(4).await;
    // One that failed, and is ended by nobody either.
    let transaction = session.begin("BEGIN").await.unwrap();
    session.batch("SELECT 1/0").await.unwrap_err();
    drop(transaction);
    let transaction = session.begin("BEGIN").await.unwrap();
    add(5).await;
    transaction.commit().await.unwrap();
    let rows = session
        .one("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t", &[])
        .await
        .unwrap();
    assert_eq!(rows.get::<_, String>(0), "2 4 5");
}
