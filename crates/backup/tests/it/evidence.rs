//! A backup of a cluster is complete only if what must be in it is in it.

use ostler_api::document::BackupState;
use ostler_api::request::{CheckVault, CreateBackup, Verify};
use ostler_backup::demand::Demand;
use ostler_backup::testing::EngineDriver;
use ostler_backup::testing::driver::Stand;
use ostler_backup::{check, create, evidence, verify};
use ostler_operations::State;
use ostler_vault::{Intent, Record};
use ostler_vocabulary::{BackupId, ErrorKind};

use crate::world::selector;

type Engines = Stand<EngineDriver>;

/// With a snapshot of one file on each node.
async fn with_snapshots() -> Engines {
    let stand = Engines::new().await;
    stand.subject.engine().snapshots = true;
    stand
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_removed_before_it_was_read_is_taken_again() {
    let stand = with_snapshots().await;
    for node in &stand.nodes[1..] {
        *node.lost.lock().unwrap() = 1;
    }
    let plan = stand.backup().await;
    let made = stand.make(plan.clone()).await;
    assert_eq!(made.state, State::Succeeded, "{made:#?}");
    let record = stand.context.record(plan.backups[0]).await.unwrap();
    assert_eq!(record.counts.files, 4, "one of each node, and a document");
    let evidence = record.evidence.unwrap();
    assert!(evidence.looked_up > 0 && evidence.remembered == 0, "{evidence:?}");
    let counts = evidence.members.iter().map(|member| {
        let part = &member.parts[0];
        (member.node.as_str(), part.demanded_files, part.files)
    });
    let counts: Vec<_> = counts.collect();
    assert_eq!(counts, [("a", Some(1), 1), ("b", Some(1), 1), ("c", Some(1), 1)]);
    assert!(stand.subject.engine().paused.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_without_the_files_of_its_snapshot_is_never_committed() {
    let stand = with_snapshots().await;
    *stand.nodes[2].lost.lock().unwrap() = u32::MAX;
    let made = stand.make(stand.backup().await).await;
    assert_eq!(
        (made.state, made.failure),
        (State::Failed, Some(ErrorKind::Conflict))
    );
    let told = made.reasons.join(" ");
    assert!(told.contains("c/data") && told.contains("0 files"), "{told}");
    assert!(
        stand
            .context
            .backups()
            .await
            .unwrap()
            .iter()
            .all(|one| !one.state().is_good())
    );
    assert!(stand.subject.engine().paused.is_empty());
}

/// Every node has the directory `t`, with a file.
fn demand() -> Demand {
    Demand {
        directories: Some(vec!["/data".into()]),
        source: "the engine",
        tables: ["t".to_owned()].into(),
        filled: ["t".to_owned()].into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roots_that_are_not_the_directories_of_the_database_are_refused_before_a_file_is_read() {
    let stand = with_snapshots().await;
    let mut demand = demand();
    demand.directories = Some(vec!["/data".into(), "/more".into()]);
    stand.subject.engine().demands.insert("b".into(), demand);
    let made = stand.make(stand.backup().await).await;
    assert_eq!(made.failure, Some(ErrorKind::Refused), "{made:#?}");
    let told = made.reasons.join(" ");
    assert!(
        told.contains("node `b` keeps data in /more (the engine)"),
        "{told}"
    );
    assert!(
        stand
            .nodes
            .iter()
            .all(|node| node.remembered.lock().unwrap().is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_partial_where_the_database_does_not_list_its_directories() {
    let stand = with_snapshots().await;
    stand
        .subject
        .engine()
        .demands
        .insert("b".into(), Demand::default());
    let plan = stand.backup().await;
    let made = stand.make(plan.clone()).await;
    assert_eq!(made.state, State::Partial, "{made:#?}");
    let record = stand.context.record(plan.backups[0]).await.unwrap();
    assert!(record.partial && record.problems[0].0 == "node b", "{record:?}");
}

/// A backup as earlier versions committed it: with lists that nobody compared.
async fn committed_earlier(stand: &Engines) -> BackupId {
    let plan = stand.backup().await;
    let made = stand.make(plan.clone()).await;
    assert_eq!(made.state, State::Succeeded, "{made:#?}");
    let (context, newest) = (&stand.context, plan.backups[0]);
    let record = context.record(newest).await.unwrap();
    let old = Record {
        backup: BackupId::random(),
        evidence: None,
        started: record.started + std::time::Duration::from_millis(1),
        ..record
    };
    let intent = Intent {
        backup: old.backup,
        operation: old.operation,
        started: old.started,
        host: "cluster:shop".into(),
        paths: vec!["data".into()],
        name: None,
        owner: context.process.clone(),
        attempt: None,
    };
    let writer = context.vault.begin(&intent).await.unwrap();
    let index = context.vault.index(false).await.unwrap();
    let packs = context.vault.pack_set(&index, &old).await.unwrap();
    writer.commit(&old, &packs).await.unwrap();
    writer.finish().await.unwrap();
    for node in &stand.nodes {
        node.remembered.lock().unwrap().insert(old.backup);
    }
    old.backup
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_backup_with_a_hole_is_found_and_nothing_is_added_to_it() {
    let stand = Engines::new().await;
    for node in [&stand.nodes[0], &stand.nodes[2]] {
        node.files
            .lock()
            .unwrap()
            .insert("/data/t/1".into(), b"rows".to_vec());
    }
    let old = committed_earlier(&stand).await;
    let context = &stand.context;
    let record = context.record(old).await.unwrap();
    assert!(evidence::lacking(context, &record).await.unwrap().is_empty());
    let nodes = ["a", "b", "c"].map(|node| (node.to_owned(), demand()));
    stand.subject.engine().demands = nodes.into();
    let lacking = evidence::lacking(context, &record).await.unwrap();
    assert!(lacking.len() == 1 && lacking[0].path == "node b", "{lacking:?}");

    // Whoever wants only what was written since gets all of it, which is refused as it has the hole too.
    let request = CreateBackup {
        cluster: Some("shop".into()),
        delta: true,
        ..CreateBackup::default()
    };
    let plan = create::plan(request, context).await.unwrap();
    let made = stand.make(plan).await;
    assert_eq!(made.failure, Some(ErrorKind::Conflict), "{made:#?}");

    let plan = check::plan(CheckVault::default(), context).await.unwrap();
    let checked = stand.run(check::KIND, plan, check::run).await;
    assert_eq!(checked.failure, Some(ErrorKind::Corrupt));
    let told = checked.reasons.join(" ");
    assert!(told.contains("node b") && told.contains(&old.short()), "{told}");
    let state = async || {
        let backups = stand.context.backups().await.unwrap();
        backups.iter().find(|one| one.id() == old).unwrap().state()
    };
    assert_eq!(state().await, BackupState::Damaged);
    let request = Verify {
        backup: selector(&old.to_string()),
        read_data: true,
        part: None,
        include: Vec::new(),
    };
    let plan = verify::plan(request, context).await.unwrap();
    let verified = stand.run(verify::KIND, plan, verify::run).await;
    assert_eq!(verified.failure, Some(ErrorKind::Corrupt));
    assert_eq!(state().await, BackupState::Damaged);
}
