//! Steps that run at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ostler_operations::{Operation, Policy, State};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::json;

use crate::{done, engines, spec};

fn items(n: usize) -> Vec<(String, usize)> {
    (0..n).map(|i| (format!("k{i}"), i)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn children_run_within_the_limit_and_finished_ones_not_again() {
    for (engine, _directory) in engines() {
        let runs = Arc::new(AtomicUsize::new(0));
        let function = |broken: bool, runs: Arc<AtomicUsize>| {
            move |op: Operation| async move {
                let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
                let results = op
                    .fan_out("copy", items(8), 3, Policy::collect(), |i, _| {
                        let (now, most, runs) = (now.clone(), most.clone(), runs.clone());
                        async move {
                            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            tokio::task::yield_now().await;
                            now.fetch_sub(1, Ordering::SeqCst);
                            runs.fetch_add(1, Ordering::SeqCst);
                            if broken && i == 4 {
                                return Err(Failure::new(ErrorKind::Denied, "no"));
                            }
                            Ok(i * 2)
                        }
                    })
                    .await?;
                assert!(most.load(Ordering::SeqCst) <= 3);
                let mut sum = 0;
                for (_, result) in results {
                    sum += result?;
                }
                done(json!(sum))
            }
        };
        let id = engine.start(spec(), function(true, runs.clone())).await.unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(
            (record.state, record.reasons),
            (State::Failed, vec!["no".to_owned()])
        );
        assert_eq!(runs.load(Ordering::SeqCst), 8);
        engine
            .resume(id, "count", 2, function(false, runs.clone()))
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(
            (record.state, record.outcome),
            (State::Succeeded, Some(json!(56)))
        );
        assert_eq!(runs.load(Ordering::SeqCst), 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failure_stops_the_others_where_the_policy_says_so() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op: Operation| async move {
                op.fan_out("copy", items(8), 2, Policy::cancel(), |i, step| async move {
                    if i == 1 {
                        return Err(Failure::new(ErrorKind::Denied, "no"));
                    }
                    step.cancelled.cancelled().await;
                    Err::<(), _>(Failure::new(ErrorKind::Cancelled, "stopped"))
                })
                .await?;
                done(json!(null))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(
            (record.state, record.failure),
            (State::Failed, Some(ErrorKind::Denied))
        );
        assert_eq!(record.steps.len(), 2, "no other child begins: {:?}", record.steps);
    }
}
