//! Nodes that do not know the backups which the vault has of them.

use ostler_api::request::CreateBackup;
use ostler_backup::cluster::identity::adopt;
use ostler_backup::create;
use ostler_backup::testing::EngineDriver;
use ostler_backup::testing::driver::Stand;
use ostler_operations::State;
use ostler_vocabulary::{BackupId, ErrorKind};

type Engines = Stand<EngineDriver>;

fn all() -> CreateBackup {
    CreateBackup {
        cluster: Some("shop".into()),
        ..CreateBackup::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_forgot_is_refused_by_plan_and_run_until_it_adopts() {
    let stand = Engines::new().await;
    let first = stand.backup().await;
    assert_eq!(stand.make(first.clone()).await.state, State::Succeeded);

    // Between the plan and its run somebody else made a backup: the run looks again, under the lease.
    let planned = stand.backup().await;
    let remembered = std::mem::take(&mut *stand.nodes[1].remembered.lock().unwrap());
    let record = stand.make(planned).await;
    assert_eq!(record.failure, Some(ErrorKind::Refused), "{record:#?}");
    let told = record.reasons.join(" ");
    assert!(told.contains("node `b` knows nothing of backup"), "{told}");
    assert!(stand.subject.engine().paused.is_empty(), "nothing was frozen");

    let failure = create::plan(all(), &stand.context).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Refused);
    assert!(failure.hint().unwrap().contains("ostler cluster adopt shop b"));
    let two = CreateBackup {
        quorum: Some(2),
        ..all()
    };
    let plan = create::plan(two, &stand.context).await.unwrap();
    let record = stand.make(plan.clone()).await;
    assert_eq!(record.state, State::Partial, "{record:#?}");
    let record = stand.context.record(plan.backups[0]).await.unwrap();
    assert_eq!(record.cluster.unwrap().absent, ["b"]);

    // What was made without it need not be known to it.
    *stand.nodes[1].remembered.lock().unwrap() = remembered;
    assert_eq!(stand.make(stand.backup().await).await.state, State::Succeeded);

    stand.nodes[2].remembered.lock().unwrap().clear();
    let cluster = stand.context.cluster.clone().unwrap();
    let adoption = adopt(&stand.context, &cluster, &["c".to_owned()]).await.unwrap();
    assert_eq!(adoption.nodes.len(), 1);
    assert_eq!(adoption.nodes[0].backups.len(), 3);
    assert_eq!(stand.make(stand.backup().await).await.state, State::Succeeded);
    let none = adopt(&stand.context, &cluster, &["z".to_owned()]).await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_did_not_commit_is_nothing_to_anybody() {
    let stand = Engines::new().await;
    stand.subject.engine().restless = true;
    assert_eq!(stand.make(stand.backup().await).await.state, State::Failed);
    stand.subject.engine().restless = false;
    for node in &stand.nodes {
        node.remembered.lock().unwrap().insert(BackupId::random());
    }
    assert_eq!(stand.make(stand.backup().await).await.state, State::Succeeded);
}
