//! What the engine refuses to guess, and who may work on what.

use ostler_operations::{Operation, Spec, State};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::json;

use crate::{done, doomed_engine, engine, engines, journals, spec};

async fn fails_after(
    op: Operation,
    names: &'static [&'static str],
) -> Result<ostler_operations::Finished, Failure> {
    for name in names {
        op.step(name).run(|_| async { Ok(1_u32) }).await?;
    }
    op.step("broken")
        .run(|_| async { Err::<(), _>(Failure::new(ErrorKind::Denied, "no")) })
        .await?;
    done(json!(null))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_comes_to_other_steps_stops_as_conflict_and_undoes_nothing() {
    for names in [
        &["one", "other"][..],
        &["one"],
        &["one", "one"],
        &["one", "two", "three"],
    ] {
        for (engine, _directory) in engines() {
            let id = engine
                .start(spec(), |op| fails_after(op, &["one", "two"]))
                .await
                .unwrap();
            engine.wait(id).await.unwrap();
            engine
                .resume(id, "count", 2, move |op| fails_after(op, names))
                .await
                .unwrap();
            let record = engine.wait(id).await.unwrap();
            assert_eq!(
                (record.state, record.failure),
                (State::Failed, Some(ErrorKind::Conflict)),
                "{names:?}"
            );
            assert_eq!(record.steps[0].state, "done");
            // The right program can still go on.
            engine
                .resume(id, "count", 2, |op| fails_after(op, &["one", "two"]))
                .await
                .unwrap();
            assert_eq!(engine.wait(id).await.unwrap().failure, Some(ErrorKind::Denied));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_ends_before_the_recorded_steps_do_is_a_conflict() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op| fails_after(op, &["one", "two"]))
            .await
            .unwrap();
        engine.wait(id).await.unwrap();
        engine
            .resume(id, "count", 2, |op: Operation| async move {
                op.step("one").run(|_| async { Ok(1_u32) }).await?;
                done(json!(null))
            })
            .await
            .unwrap();
        assert_eq!(engine.wait(id).await.unwrap().failure, Some(ErrorKind::Conflict));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_result_of_another_type_is_a_conflict_naming_the_step() {
    for (engine, _directory) in engines() {
        let id = engine
            .start(spec(), |op| fails_after(op, &["one"]))
            .await
            .unwrap();
        engine.wait(id).await.unwrap();
        engine
            .resume(id, "count", 2, |op: Operation| async move {
                op.step("one").run(|_| async { Ok(String::new()) }).await?;
                done(json!(null))
            })
            .await
            .unwrap();
        let record = engine.wait(id).await.unwrap();
        assert_eq!(record.failure, Some(ErrorKind::Conflict));
        assert!(record.reasons[0].contains("`one`"), "{:?}", record.reasons);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_resumes_its_own_version_and_the_one_before() {
    for (engine, _directory) in engines() {
        for (version, resumes) in [(0, false), (1, true), (2, true), (3, false)] {
            let spec = Spec { version, ..spec() };
            let id = engine.start(spec, |op| fails_after(op, &[])).await.unwrap();
            engine.wait(id).await.unwrap();
            let seen = |op: Operation| async move { done(json!(op.version())) };
            let answer = engine.resume(id, "count", 2, seen).await;
            if resumes {
                answer.unwrap();
                engine.wait(id).await.unwrap();
            } else {
                let refused = answer.unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::Unsupported);
                assert!(
                    refused.to_string().contains(&format!("version {version}")),
                    "{refused}"
                );
            }
        }
        let id = engine.start(spec(), |op| fails_after(op, &[])).await.unwrap();
        engine.wait(id).await.unwrap();
        let other = engine
            .resume(id, "measure", 2, |op| fails_after(op, &[]))
            .await
            .unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_owner_is_named_and_a_dead_one_is_replaced_and_fenced() {
    for (journal, _directory) in journals() {
        let waits = |op: Operation| async move {
            op.step("one").run(|_| async { Ok(1_u32) }).await?;
            op.step("wait")
                .run(|step| async move {
                    step.cancelled.cancelled().await;
                    Ok(())
                })
                .await?;
            op.commit().await?;
            done(json!("old"))
        };
        let living = engine(journal.clone());
        let id = living.start(spec(), waits).await.unwrap();
        let busy = doomed_engine(journal.clone())
            .resume(id, "count", 2, waits)
            .await
            .unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Busy);
        assert!(
            busy.to_string().contains(&std::process::id().to_string()),
            "{busy}"
        );
        living.shutdown().await;
        assert_eq!(living.get(id).unwrap().state, State::Interrupted);

        // An owner that others take for dead works on; the new owner wins, and the old one stops by itself.
        let old = doomed_engine(journal.clone());
        let id = old.start(spec(), waits).await.unwrap();
        living
            .resume(id, "count", 2, |op: Operation| async move {
                op.step("one").run(|_| async { Ok(1_u32) }).await?;
                op.step("wait").run(|_| async { Ok(()) }).await?;
                op.commit().await?;
                done(json!("new"))
            })
            .await
            .unwrap();
        let record = living.wait(id).await.unwrap();
        assert_eq!(old.wait(id).await.unwrap(), record);
        assert_eq!((record.outcome, record.epoch), (Some(json!("new")), 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_held_by_one_and_given_up_when_dropped() {
    for (journal, _directory) in journals() {
        let (one, two) = (engine(journal.clone()), engine(journal.clone()));
        let lease = one.lease("schedules", "to tick").await.unwrap();
        lease.confirm().await.unwrap();
        let busy = two.lease("schedules", "to tick too").await.unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Busy);
        drop(lease);
        let lease = loop {
            match two.lease("schedules", "to tick too").await {
                Ok(lease) => break lease,
                Err(busy) => assert_eq!(busy.kind(), ErrorKind::Busy),
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(lease.epoch(), 2);
        lease.release().await.unwrap();

        let lost = doomed_engine(journal).lease("schedules", "to die").await.unwrap();
        let lease = two.lease("schedules", "to take over").await.unwrap();
        assert_eq!(lost.confirm().await.unwrap_err().kind(), ErrorKind::Conflict);
        lost.lost().cancelled().await;
        assert_eq!(lost.release().await.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(lease.epoch(), 4);
    }
}
