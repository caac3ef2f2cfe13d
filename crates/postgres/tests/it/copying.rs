//! COPY both ways.

use futures::{StreamExt, TryStreamExt};
use ostler_postgres::copy;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_vocabulary::{Classified, ErrorKind};

use crate::session;

#[tokio::test]
async fn rows_go_in_and_come_out_again() {
    for release in Release::SUPPORTED {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let mut connection = session(server).await;
        connection.batch("CREATE TABLE t (a text, b text)").await.unwrap();
        let rows: Vec<Vec<Option<String>>> = (0..5000)
            .map(|n| {
                vec![
                    Some(format!("{n}\t\\N\n\r\\.")),
                    (n % 2 == 0).then(|| "ü".to_owned()),
                ]
            })
            .collect();
        let transaction = connection.transaction().await.unwrap();
        let mut sink = transaction.copy_in("COPY t FROM STDIN").await.unwrap();
        for row in &rows {
            sink.row(row.iter().map(Option::as_deref)).await.unwrap();
        }
        assert_eq!(sink.finish().await.unwrap(), 5000);
        transaction.commit().await.unwrap();

        let stream = connection.copy_out("COPY t TO STDOUT").await.unwrap();
        let back: Vec<_> = stream
            .map_ok(|line| copy::decode(line.strip_suffix(b"\n").unwrap()).unwrap())
            .try_collect()
            .await
            .unwrap();
        assert_eq!(back, rows);
    }
}

#[tokio::test]
async fn a_row_that_does_not_fit_takes_all_back() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let mut connection = session(server).await;
    connection.batch("CREATE TABLE t (a int)").await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    let mut sink = transaction.copy_in("COPY t FROM STDIN").await.unwrap();
    for text in ["1", "two"] {
        sink.row([Some(text)]).await.unwrap();
    }
    let error = sink.finish().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("; the statement was `COPY t FROM STDIN`"),
        "{error}"
    );
    drop(transaction);
    let mut stream = Box::pin(connection.copy_out("COPY t TO STDOUT").await.unwrap());
    assert!(stream.next().await.is_none());
}
