//! A vault in memory with a node beside it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostler_api::document::{BackupState, BackupSummary};
use ostler_api::request::{CreateBackup, Filter, Plan, Selector};
use ostler_backup::{Context, create, evidence};
use ostler_operations::testing::{dead_process, exercise, quick};
use ostler_operations::{Engine, Finished, MemoryJournal, Operation, OperationRecord, Spec, State};
use ostler_store::{Memory, Store};
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{Failure, OperationId, Progress, SystemClock, Unit};
use tokio_util::sync::CancellationToken;

use ostler_backup::cluster::Nowhere;
use ostler_backup::testing::MemoryNode;

#[derive(Debug, Clone)]
pub struct World {
    pub store: Arc<Memory>,
    pub node: Arc<MemoryNode>,
    pub context: Context,
}

impl World {
    pub async fn new() -> Self {
        let store = Arc::new(Memory::new());
        let clock = Arc::new(SystemClock::default());
        let options = InitOptions {
            protect: Vec::new(),
            clock: clock.clone(),
        };
        let vault = Arc::new(Vault::init(store.clone(), options).await.unwrap().vault);
        let node = Arc::new(MemoryNode::new(Arc::clone(&vault)));
        let world = Self {
            store,
            context: Context {
                vault_name: "test".into(),
                vault,
                node: node.clone(),
                cluster: None,
                clusters: Arc::new(Nowhere),
                clock,
                scratch: "/scratch".into(),
                left_out: Vec::new(),
                // Dead, so that whoever comes next need not wait for it.
                process: dead_process(1),
                lease_wait: Duration::from_secs(5),
                presence: None,
                presence_max_age: Duration::ZERO,
            },
            node,
        };
        for (name, content) in [
            ("/data/a", "first"),
            ("/data/b", "second"),
            ("/data/c/d", "third"),
        ] {
            world.write(name, content);
        }
        world
    }

    /// The same vault and files, as seen through another store over the same objects.
    pub async fn seen_through(&self, store: Arc<dyn Store>) -> Self {
        let clock = Arc::clone(&self.context.clock);
        let vault = Arc::new(Vault::open(store, &[], clock).await.unwrap());
        let node = Arc::new(MemoryNode::new(Arc::clone(&vault)));
        *node.files.lock().unwrap() = self.node.files.lock().unwrap().clone();
        Self {
            store: Arc::clone(&self.store),
            context: Context {
                vault,
                node: node.clone(),
                ..self.context.clone()
            },
            node,
        }
    }

    pub fn write(&self, name: &str, content: &str) {
        self.node
            .files
            .lock()
            .unwrap()
            .insert(name.into(), content.into());
    }

    pub fn scratch_is_empty(&self) -> bool {
        self.node.scratch.lock().unwrap().is_empty()
    }

    /// Makes a backup by this plan, whose id it has.
    pub async fn seed(&self, plan: &Plan) {
        let plan = plan.clone();
        let record = self.run(create::KIND, plan, create::run).await;
        assert!(
            matches!(record.state, State::Succeeded | State::Partial),
            "{record:#?}"
        );
    }

    pub async fn run<F, Fut>(&self, kind: &'static str, plan: Plan, run: F) -> OperationRecord
    where
        F: FnOnce(Plan, Operation, Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let journal = Arc::new(MemoryJournal::default());
        let engine = Engine::over(journal, Arc::clone(&self.context.clock), quick());
        let context = self.context.clone();
        let id: OperationId = engine
            .start(spec(kind, &plan), move |op| run(plan, op, context))
            .await
            .unwrap();
        engine.wait(id).await.unwrap()
    }

    pub async fn backups(&self) -> Vec<BackupSummary> {
        let backups = self.context.backups().await.unwrap();
        backups.into_iter().map(|b| b.summary).collect()
    }

    /// What must hold whatever happened: what says it is complete can be read in full.
    pub async fn no_false_complete(&self, said: &str) {
        for backup in self.backups().await {
            if !backup.state.is_good() {
                continue;
            }
            let record = self.context.record(backup.id).await.unwrap();
            let found = evidence::examine(
                &self.context,
                &record,
                &evidence::Look::at_all(true),
                &Progress::new(Unit::Bytes),
                &CancellationToken::new(),
            )
            .await
            .unwrap();
            assert!(found.problems.is_empty(), "after {said}: {:?}", found.problems);
            assert_eq!(found.files, backup.counts.files, "after {said}");
        }
    }

    pub async fn states(&self) -> Vec<BackupState> {
        self.backups().await.into_iter().map(|b| b.state).collect()
    }
}

pub fn spec(kind: &'static str, plan: &Plan) -> Spec {
    Spec {
        kind,
        version: 1,
        subject: plan.subject.clone(),
        plan: serde_json::to_value(plan).unwrap(),
    }
}

pub fn selector(text: &str) -> Selector {
    Selector {
        vault: None,
        backup: text.to_owned(),
        filter: Filter::default(),
    }
}

pub fn request() -> CreateBackup {
    CreateBackup {
        paths: vec![PathBuf::from("/data")],
        ..CreateBackup::default()
    }
}

/// Exercises an operation by one plan in many worlds.
pub async fn exercise_plan<W, WFut, F, Fut, I, IFut>(
    kind: &'static str,
    plan: Plan,
    world: W,
    run: F,
    invariant: I,
) where
    W: Fn() -> WFut,
    WFut: Future<Output = World>,
    F: Fn(Plan, Operation, Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    I: Fn(World, OperationRecord, String) -> IFut,
    IFut: Future<Output = ()>,
{
    let spec = spec(kind, &plan);
    exercise(
        spec,
        world,
        move |world: World, op| run(plan.clone(), op, world.context.clone()),
        invariant,
    )
    .await;
}
