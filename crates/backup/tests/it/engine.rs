//! A database whose engine keeps its own part of each backup: what is complete, what is deleted, what is brought back.

use ostler_api::document::BackupState;
use ostler_api::request::{CreateBackup, Delete, Drill, Filter, Plan, Verify};
use ostler_backup::testing::EngineDriver;
use ostler_backup::testing::driver::{Stand, conforms, restoring};
use ostler_backup::{create, drill, prune, restore, verify};
use ostler_operations::{OperationRecord, State};
use ostler_vocabulary::{BackupId, ErrorKind};

use crate::world::selector;

type Engines = Stand<EngineDriver>;

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_with_parts_of_its_own_conforms() {
    conforms::<EngineDriver>().await;
}

/// What became of a drill that starts the database.
async fn drilled(stand: &Engines, backup: BackupId) -> OperationRecord {
    let request = Drill {
        backup: selector(&backup.to_string()),
        scratch: None,
        check: None,
        start: true,
    };
    let plan = drill::plan(request, &stand.context).await.unwrap();
    stand.run(drill::KIND, plan, drill::run).await
}

async fn backed_up() -> (Engines, Plan) {
    let stand = Engines::new().await;
    let plan = stand.backup().await;
    let record = stand.make(plan.clone()).await;
    assert_eq!(record.state, State::Succeeded, "{record:#?}");
    (stand, plan)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_lists_what_the_engine_keeps_and_the_documents_of_the_system() {
    let (stand, plan) = backed_up().await;
    let record = stand.context.record(plan.backups[0]).await.unwrap();
    let cluster = record.cluster.unwrap();
    assert_eq!(cluster.external.len(), 1);
    assert_eq!(cluster.external[0].store, "engine");
    let parts: Vec<_> = record.nodes.iter().map(|node| node.part()).collect();
    assert_eq!(parts, ["a/data", "b/data", "c/data", "cluster:shop/engine"]);
    assert!(record.nodes.iter().all(|node| node.driver == "engine"));
    assert_eq!(record.counts.files, 4, "one of each node, and one document");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_lost_is_found_by_verifying_and_was_never_complete() {
    let (stand, plan) = backed_up().await;
    for whole in [true, false] {
        for kept in stand.subject.engine().kept.values_mut() {
            *kept = whole;
        }
        let request = Verify {
            backup: selector(&plan.backups[0].to_string()),
            read_data: false,
            part: None,
            include: Vec::new(),
        };
        let plan = verify::plan(request, &stand.context).await.unwrap();
        let record = stand.run(verify::KIND, plan, verify::run).await;
        let state = stand.context.backups().await.unwrap()[0].state();
        match whole {
            true => assert_eq!((record.state, state), (State::Succeeded, BackupState::Complete)),
            false => assert_eq!((record.state, state), (State::Failed, BackupState::Damaged)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_backup_has_the_engine_forget_its_part_and_no_other() {
    let (stand, first) = backed_up().await;
    let second = stand.backup().await;
    stand.make(second.clone()).await;
    assert_eq!(stand.subject.engine().kept.len(), 2);
    let request = Delete {
        vault: None,
        backups: vec![first.backups[0].to_string()],
        filter: Filter::default(),
        min_keep: None,
        below_floors: false,
    };
    let plan = prune::plan_delete(request, &stand.context).await.unwrap();
    let record = stand.run(prune::KIND, plan, prune::run).await;
    assert_eq!(record.state, State::Succeeded, "{record:#?}");
    let kept: Vec<String> = stand.subject.engine().kept.keys().cloned().collect();
    assert_eq!(kept, [format!("ostler-{}", second.backups[0])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_has_the_engine_bring_its_part_back_and_refuses_one_that_runs() {
    let (stand, plan) = backed_up().await;
    let plan = restore::plan(restoring(plan.backups[0]), &stand.context)
        .await
        .unwrap();
    stand.subject.engine().runs = true;
    let refused = stand.run(restore::KIND, plan.clone(), restore::run).await;
    assert_eq!(refused.failure, Some(ErrorKind::Refused));
    assert!(
        stand
            .nodes
            .iter()
            .all(|node| node.disk.lock().unwrap().is_empty())
    );
    stand.subject.engine().runs = false;
    let record = stand.run(restore::KIND, plan, restore::run).await;
    assert_eq!(record.state, State::Succeeded, "{record:#?}");
    assert_eq!(stand.subject.engine().recovered.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_it_was_frozen_is_refused_and_let_go() {
    let stand = Engines::new().await;
    stand.subject.engine().restless = true;
    let record = stand.make(stand.backup().await).await;
    assert_eq!(record.failure, Some(ErrorKind::Conflict));
    let told = record.reasons.join(" ");
    assert!(told.contains("the schema of cluster `shop` changed"), "{told}");
    assert!(stand.subject.engine().paused.is_empty());
    assert!(
        !stand
            .context
            .backups()
            .await
            .unwrap()
            .iter()
            .any(|b| b.state().is_good())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_database_is_missing_as_far_as_the_quorum_allows() {
    let stand = Engines::new().await;
    stand.subject.engine().down.insert("b".into());
    let plan = stand.backup().await;
    let record = stand.make(plan.clone()).await;
    assert_eq!(record.state, State::Failed);
    let request = CreateBackup {
        cluster: Some("shop".into()),
        quorum: Some(2),
        ..CreateBackup::default()
    };
    let plan = create::plan(request, &stand.context).await.unwrap();
    let record = stand.make(plan.clone()).await;
    assert_eq!(record.state, State::Partial, "{record:#?}");
    let record = stand.context.record(plan.backups[0]).await.unwrap();
    assert_eq!(record.cluster.unwrap().absent, ["b"]);
    // A drill of it says whom it could not look at.
    let record = drilled(&stand, plan.backups[0]).await;
    let outcome = serde_json::to_string(&record.outcome).unwrap();
    assert!(
        outcome.contains("node `b`: it is not in the backup"),
        "{record:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_starts_the_database_and_compares_what_it_says_with_what_it_said() {
    let stand = Engines::new().await;
    stand.subject.engine().rows = Some("7".into());
    let made = stand.backup().await;
    let record = stand.make(made.clone()).await;
    assert_eq!(record.state, State::Succeeded, "{record:#?}");
    for (says, state, told) in [
        ("7", State::Succeeded, "\"verdict\":\"same\""),
        (
            "6",
            State::Failed,
            "engine: rows: it was 7 when the backup was made, and is 6",
        ),
    ] {
        stand.subject.engine().rows = Some(says.into());
        let record = drilled(&stand, made.backups[0]).await;
        assert_eq!(record.state, state, "{record:#?}");
        let said = format!(
            "{:?} {}",
            record.reasons,
            serde_json::to_string(&record.outcome).unwrap()
        );
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_is_taken_where_less_would_lack_something() {
    let stand = Engines::new().await;
    let delta = async || {
        let request = CreateBackup {
            cluster: Some("shop".into()),
            delta: true,
            ..CreateBackup::default()
        };
        let plan = create::plan(request, &stand.context).await.unwrap();
        let record = stand.make(plan.clone()).await;
        assert_eq!(record.state, State::Succeeded, "{record:#?}");
        (plan.backups[0], serde_json::to_string(&record.outcome).unwrap())
    };
    let (first, told) = delta().await;
    assert!(told.contains("since the last backup: there is none"), "{told}");

    let (_, told) = delta().await;
    assert!(told.contains(&format!("\"added_to\":\"{first}\"")), "{told}");
    assert!(!told.contains("all of it was taken"), "{told}");

    stand.subject.engine().gaps = ["one", "two", "three", "four", "five"].map(str::to_owned).into();
    let (_, told) = delta().await;
    assert!(told.contains("one; two; three; and 2 more"), "{told}");
    assert!(!told.contains("added_to"), "{told}");
    stand.subject.engine().gaps.clear();

    // A node that was missing has nothing to add to.
    stand.subject.engine().down.insert("b".into());
    let request = CreateBackup {
        cluster: Some("shop".into()),
        quorum: Some(2),
        ..CreateBackup::default()
    };
    let plan = create::plan(request, &stand.context).await.unwrap();
    assert_eq!(stand.make(plan).await.state, State::Partial);
    stand.subject.engine().down.clear();
    let (_, told) = delta().await;
    assert!(told.contains("is partial"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_added_to_is_refused() {
    let stand = Engines::new().await;
    for (cluster, read_all) in [(None, false), (Some("shop".to_owned()), true)] {
        let request = CreateBackup {
            cluster,
            read_all,
            delta: true,
            ..CreateBackup::default()
        };
        let refused = create::plan(request, &stand.context).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    }
}
