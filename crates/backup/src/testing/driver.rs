//! The suite that every driver passes: its methods repeated, and backup and restore of a cluster in memory under every fault –
//! each step failed, repeated, lost, cancelled, and lost again while it is taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ostler_api::node::Epoch;
use ostler_api::request::{CreateBackup, Filter, Onto, Overwrite, Plan, Restore, Selector};
use ostler_operations::testing::{dead_process, exercise, quick};
use ostler_operations::{Engine, Finished, MemoryJournal, Operation, OperationRecord, Spec, State};
use ostler_store::Memory;
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{BackupId, Failure, SystemClock};
use tokio_util::sync::CancellationToken;

use super::{MemoryNode, faults};
use crate::cluster::{Cluster, Clusters, Member};
use crate::demand::Demand;
use crate::driver::Driver;
use crate::{Context, create, restore};

/// A database in memory, and what a test sees of it.
pub trait Subject: Clone + Send + Sync + 'static {
    /// One that runs on these nodes.
    fn over(nodes: &[Arc<MemoryNode>]) -> Self;
    /// Its driver.
    fn driver(&self) -> Arc<dyn Driver>;
    /// What holds still now.
    fn held(&self) -> Vec<String>;
    /// What the engine keeps.
    fn kept(&self) -> BTreeSet<String>;
}

/// A cluster of three nodes in memory, with its database.
#[derive(Clone)]
pub struct Stand<S> {
    /// The database.
    pub subject: S,
    /// What operations work with.
    pub context: Context,
    /// The nodes `a`, `b` and `c`.
    pub nodes: Vec<Arc<MemoryNode>>,
}

#[derive(Debug)]
struct Only(Arc<Cluster>);

impl Clusters for Only {
    fn open(&self, _: &str) -> Result<Arc<Cluster>, Failure> {
        Ok(Arc::clone(&self.0))
    }

    fn demands(&self, _: &str, documents: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
        self.0.driver.demands(documents)
    }
}

impl<S: Subject> Stand<S> {
    /// A new one, with files on every node.
    pub async fn new() -> Self {
        let clock = Arc::new(SystemClock::default());
        let options = InitOptions {
            protect: Vec::new(),
            clock: clock.clone(),
        };
        let vault = Vault::init(Arc::new(Memory::new()), options).await.unwrap();
        let vault = Arc::new(vault.vault);
        let nodes: Vec<_> = ["a", "b", "c"]
            .map(|name| {
                let node = MemoryNode::new(Arc::clone(&vault)).named(name);
                let content = format!("of {name}").into_bytes();
                node.files.lock().unwrap().insert("/data/own".into(), content);
                Arc::new(node)
            })
            .into();
        let subject = S::over(&nodes);
        let cluster = Arc::new(Cluster {
            name: "shop".into(),
            members: nodes
                .iter()
                .map(|node| Member {
                    name: node.name.clone().unwrap(),
                    node: node.clone(),
                })
                .collect(),
            places: Default::default(),
            quorum: None,
            limit: 8,
            epoch: Epoch::default(),
            driver: subject.driver(),
        });
        Self {
            context: Context {
                vault_name: "test".into(),
                node: Arc::new(MemoryNode::new(Arc::clone(&vault))),
                vault,
                cluster: Some(Arc::clone(&cluster)),
                clusters: Arc::new(Only(cluster)),
                clock,
                scratch: "/scratch".into(),
                left_out: Vec::new(),
                process: dead_process(1),
                lease_wait: Duration::from_secs(60),
                presence: None,
                presence_max_age: Duration::ZERO,
            },
            nodes,
            subject,
        }
    }

    /// Its nodes, as the driver gets them.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.context.cluster.as_ref().unwrap().members.clone()
    }

    /// The plan of a backup of all of it.
    pub async fn backup(&self) -> Plan {
        let request = CreateBackup {
            cluster: Some("shop".into()),
            ..CreateBackup::default()
        };
        create::plan(request, &self.context).await.unwrap()
    }

    /// Makes a backup by this plan.
    pub async fn make(&self, plan: Plan) -> OperationRecord {
        self.run(create::KIND, plan, create::run).await
    }

    /// Runs an operation.
    pub async fn run<F, Fut>(&self, kind: &'static str, plan: Plan, run: F) -> OperationRecord
    where
        F: FnOnce(Plan, Operation, Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let journal = Arc::new(MemoryJournal::default());
        let engine = Engine::over(journal, Arc::new(SystemClock::default()), quick());
        let context = self.context.clone();
        let started = engine.start(spec(kind, &plan), move |op| run(plan, op, context));
        engine.wait(started.await.unwrap()).await.unwrap()
    }

    /// What the engine should keep: the parts of the backups that were committed.
    pub(super) async fn recorded(&self) -> BTreeSet<String> {
        let mut recorded = BTreeSet::new();
        for backup in self.context.backups().await.unwrap() {
            if backup.state().is_good() {
                let record = self.context.record(backup.id()).await.unwrap();
                let parts = record.cluster.into_iter().flat_map(|cluster| cluster.external);
                recorded.extend(parts.map(|part| part.id));
            }
        }
        recorded
    }
}

pub(super) fn spec(kind: &'static str, plan: &Plan) -> Spec {
    Spec {
        kind,
        version: 1,
        subject: plan.subject.clone(),
        plan: serde_json::to_value(plan).unwrap(),
    }
}

/// A request to restore a backup onto the cluster it is of, whose nodes hold something.
#[must_use]
pub fn restoring(backup: BackupId) -> Restore {
    Restore {
        backup: Selector {
            vault: None,
            backup: backup.to_string(),
            filter: Filter::default(),
        },
        to: None,
        include: Vec::new(),
        overwrite: Overwrite::Different,
        delete_extra: false,
        allow_incomplete: false,
        onto: Some(Onto {
            cluster: "shop".into(),
            into_used: true,
            ..Onto::default()
        }),
    }
}

/// Everything that a driver has to do.
///
/// # Panics
/// When it does not.
pub async fn conforms<S: Subject>() {
    methods_repeat::<S>().await;
    faults::backup_under_every_fault::<S>().await;
    faults::delta_under_every_fault::<S>().await;
    faults::restore_under_every_fault::<S>().await;
}

/// Loading tables under every fault. Every node has a file at this path, of one of them. Once it is over nothing that was brought is
/// left, and when it succeeded, `check` finds it done.
///
/// # Panics
/// When not.
pub async fn loads<S: Subject>(onto: Onto, file: &str, check: impl Fn(&S) + Clone + Send + Sync + 'static) {
    let stand = Stand::<S>::new().await;
    let backup = stand.backup().await;
    let (made, file) = (backup.clone(), file.to_owned());
    let world = move || {
        let (backup, file) = (made.clone(), file.clone());
        async move {
            let stand = Stand::<S>::new().await;
            for node in &stand.nodes {
                node.files.lock().unwrap().insert(file.clone(), b"rows".to_vec());
            }
            let record = stand.make(backup).await;
            assert_eq!(record.state, State::Succeeded, "{record:#?}");
            stand
        }
    };
    let request = Restore {
        onto: Some(onto),
        overwrite: Overwrite::Never,
        ..restoring(backup.backups[0])
    };
    let plan = restore::plan(request, &world().await.context).await.unwrap();
    let of_run = plan.clone();
    exercise(
        spec(restore::KIND, &plan),
        world,
        move |stand: Stand<S>, op| restore::run(of_run.clone(), op, stand.context),
        move |stand: Stand<S>, record, said| {
            let check = check.clone();
            async move {
                if matches!(record.state, State::Succeeded | State::Cancelled) {
                    for node in &stand.nodes {
                        let scratch = node.scratch.lock().unwrap();
                        assert!(scratch.is_empty(), "after {said}: {scratch:?} is left");
                    }
                }
                if record.state == State::Succeeded {
                    check(&stand.subject);
                }
            }
        },
    )
    .await;
}

async fn methods_repeat<S: Subject>() {
    let stand = Stand::<S>::new().await;
    let (driver, nodes) = (stand.subject.driver(), stand.members());
    let cancel = CancellationToken::new();
    let looked = driver.look(&nodes).await.unwrap();
    assert!(looked.down.is_empty());
    driver
        .release(&nodes)
        .await
        .expect("releasing what is not frozen");
    for _ in 0..2 {
        let failed = driver.freeze(&nodes, &cancel).await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    }
    assert_eq!(driver.look(&nodes).await.unwrap().steady, looked.steady);
    let backup = BackupId::random();
    let parts = driver.store(backup, &cancel).await.unwrap();
    assert_eq!(
        driver.store(backup, &cancel).await.unwrap(),
        parts,
        "stored twice"
    );
    assert!(driver.check(&parts).await.unwrap().is_empty());
    for _ in 0..2 {
        let failed = driver.flush(&nodes, &cancel).await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    }
    for _ in 0..2 {
        driver.release(&nodes).await.unwrap();
        assert!(stand.subject.held().is_empty());
    }
    for _ in 0..2 {
        driver.forget(&parts).await.unwrap();
        driver.abandon(backup).await.unwrap();
        assert!(stand.subject.kept().is_empty());
    }
    let problems = driver.check(&parts).await.unwrap();
    assert_eq!(problems.len(), parts.len(), "what is gone is told");
    for _ in 0..2 {
        driver.store(backup, &cancel).await.unwrap();
    }
    driver.abandon(backup).await.unwrap();
    assert!(stand.subject.kept().is_empty());
    let mut found = driver.explore(&nodes).await.unwrap();
    found
        .findings
        .retain(|one| !nodes.iter().any(|node| node.name == one.node));
    assert!(found.findings.is_empty(), "of no node: {:?}", found.findings);
    let status = driver.status(&nodes).await.unwrap();
    assert_eq!(status.driver, driver.name());
    for action in status.actions {
        driver.act(&action, &nodes).await.unwrap();
        driver.act(&action, &nodes).await.unwrap();
    }
    assert!(driver.act("no such action", &nodes).await.is_err());
}
