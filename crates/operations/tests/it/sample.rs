//! The journals of released schemas are resumed.

use std::sync::Arc;

use ostler_operations::journal::FILE_NAME;
use ostler_operations::{Engine, Operation, Policy, State};
use ostler_vocabulary::SystemClock;
use serde_json::json;

use crate::done;

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_every_schema_version_are_resumed() {
    is_resumed(include_str!("../../samples/v1/interrupted.sql"), &[]).await;
    is_resumed(
        include_str!("../../samples/v2/interrupted.sql"),
        &["it is a sample"],
    )
    .await;
    is_resumed(
        include_str!("../../samples/v3/interrupted.sql"),
        &["it is a sample"],
    )
    .await;
}

async fn is_resumed(sample: &str, said: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(directory.path().join(FILE_NAME))
        .unwrap()
        .execute_batch(sample)
        .unwrap();
    let engine = Engine::open(directory.path(), Arc::new(SystemClock::default())).unwrap();
    let id = engine.find("0001").unwrap();
    let record = engine.get(id).unwrap();
    assert_eq!((record.state, record.bytes), (State::Interrupted, 10));
    let messages: Vec<_> = record
        .messages
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(messages, said);
    assert_eq!(record.plan, json!({"numbers": [1, 2]}));
    engine
        .resume(id, "sample", 1, |op: Operation| async move {
            let made: serde_json::Value = op
                .step("prepare")
                .run_with_undo(|_| async { Ok(json!("not run again")) }, |_| async { Ok(()) })
                .await?;
            let items = vec![("1".to_owned(), 1), ("2".to_owned(), 2)];
            let numbers = op
                .fan_out(
                    "number",
                    items,
                    2,
                    Policy::cancel(),
                    |n, _| async move { Ok(n * 100) },
                )
                .await?;
            let mut sum = 0;
            for (_, number) in numbers {
                sum += number?;
            }
            op.commit().await?;
            done(json!({"made": made, "sum": sum}))
        })
        .await
        .unwrap();
    let record = engine.wait(id).await.unwrap();
    assert_eq!((record.state, record.epoch), (State::Succeeded, 2), "{record:?}");
    assert_eq!(
        record.outcome,
        Some(json!({"made": {"made": "sample"}, "sum": 210}))
    );
    assert_eq!(record.audit.len(), 1);
    assert!(record.worked_ms >= 5000);
    assert_eq!(engine.lease("sample", "again").await.unwrap().epoch(), 8);
}
