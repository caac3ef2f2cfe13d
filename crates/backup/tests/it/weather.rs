//! Backup, verification, restore and prune over a store that does harm by chance: what is said to be well is well.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ostler_api::document::Outcome;
use ostler_api::request::{Keep, Plan, Prune, Restore, Verify};
use ostler_backup::{Context, create, prune, restore, verify};
use ostler_operations::{Finished, Operation, OperationRecord, State};
use ostler_store::{Climate, Pause, Retry, RetryPolicy, Weather};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};

use crate::world::{World, request, selector};

/// Histories of each climate.
const SEEDS: u64 = 6;

/// Does not wait.
#[derive(Debug)]
struct NoPause;

#[async_trait]
impl Pause for NoPause {
    async fn pause(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

type Files = BTreeMap<String, Vec<u8>>;

struct History {
    climate: Climate,
    seed: u64,
    /// Sees the vault through the weather.
    world: World,
    weather: Weather,
    /// What is in each backup that was said to be made.
    made: Vec<(BackupId, Files)>,
}

impl History {
    async fn new(climate: Climate, seed: u64) -> Self {
        let calm = World::new().await;
        let weather = Weather::new(calm.store.clone(), climate, 8, seed);
        weather.calm();
        let retry = Retry::with_pause(
            Arc::new(weather.clone()),
            RetryPolicy::default(),
            Arc::new(NoPause),
        );
        Self {
            climate,
            seed,
            world: calm.seen_through(Arc::new(retry)).await,
            weather,
            made: Vec::new(),
        }
    }

    /// Runs an operation where it can be planned; a failure has to be one that tells the truth.
    async fn run<F, Fut>(
        &self,
        kind: &'static str,
        plan: Result<Plan, Failure>,
        run: F,
    ) -> Option<OperationRecord>
    where
        F: FnOnce(Plan, Operation, Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Finished, Failure>> + Send + 'static,
    {
        let failed = match plan {
            Ok(plan) => {
                let record = self.world.run(kind, plan, run).await;
                match record.state {
                    State::Succeeded | State::Partial => return Some(record),
                    _ => (record.failure, record.reasons),
                }
            }
            Err(failure) => (Some(failure.kind()), failure.messages()),
        };
        let told = match self.climate {
            Climate::Expires => matches!(failed.0, Some(ErrorKind::Denied)),
            // What is not what was stored is told as damage; that it was so twice, nobody can know.
            Climate::Truncates | Climate::AnswersErrors | Climate::FlipsBits => true,
            Climate::ListsLate => true,
            _ => failed.0.is_some_and(ErrorKind::is_transient),
        };
        assert!(told, "{self}: {kind} {failed:?}");
        None
    }

    async fn back_up(&mut self) {
        let files = self.world.node.files.lock().unwrap().clone();
        let plan = create::plan(request(), &self.world.context).await;
        if let Some(record) = self.run(create::KIND, plan, create::run).await {
            match serde_json::from_value(record.outcome.unwrap()).unwrap() {
                Outcome::CreateBackup(report) => self.made.push((report.backup.id, files)),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn restore(&self, id: BackupId) -> Option<Files> {
        self.world.node.disk.lock().unwrap().clear();
        let request = Restore {
            backup: selector(&id.to_string()),
            to: Some("/to".into()),
            include: Vec::new(),
            overwrite: Default::default(),
            delete_extra: false,
            allow_incomplete: true,
            onto: None,
        };
        let plan = restore::plan(request, &self.world.context).await;
        let record = self.run(restore::KIND, plan, restore::run).await?;
        (record.state == State::Succeeded).then(|| self.world.node.disk.lock().unwrap().clone())
    }

    async fn live(&mut self) {
        self.back_up().await;
        self.weather.turn();
        for round in 0..2 {
            self.world.write("/data/a", &format!("changed {round}"));
            self.world
                .write(&format!("/data/new{round}"), &"new ".repeat(round + 9));
            self.back_up().await;
            let (first, files) = self.made[0].clone();
            if let Some(restored) = self.restore(first).await {
                assert_eq!(restored, files, "{self}");
            }
            let request = Verify {
                backup: selector(&first.to_string()),
                read_data: true,
                part: None,
                include: Vec::new(),
            };
            let plan = verify::plan(request, &self.world.context).await;
            self.run(verify::KIND, plan, verify::run).await;
            let keep = Keep {
                last: Some(2),
                ..Keep::default()
            };
            let request = Prune {
                keep,
                ..Prune::default()
            };
            let plan = prune::plan(request, &self.world.context).await;
            self.run(prune::KIND, plan, prune::run).await;
        }
        self.weather.calm();
    }

    /// What was said to be made is there, or was pruned, and is what it was said to be.
    async fn holds(&self) {
        let listed = self.world.backups().await;
        let mut whole = 0;
        for (id, files) in &self.made {
            if listed.iter().any(|backup| backup.id == *id) {
                let restored = self.restore(*id).await;
                assert_eq!(restored.as_ref(), Some(files), "{self}: backup {}", id.short());
                whole += 1;
            }
        }
        // Prune keeps two, but none that was read twice and looked damaged both times.
        let kept = match self.climate {
            Climate::Truncates | Climate::AnswersErrors | Climate::FlipsBits => 1,
            _ => 2,
        };
        assert!(whole >= self.made.len().min(kept), "{self}: {listed:#?}");
        assert!(
            self.weather.misfortunes() > 0 || self.climate == Climate::Reorders,
            "{self}"
        );
    }
}

impl std::fmt::Display for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, seed {}", self.climate, self.seed)
    }
}

async fn all_seeds(climate: Climate) {
    for seed in 0..SEEDS {
        let mut history = History::new(climate, seed).await;
        history.live().await;
        history.holds().await;
    }
}

macro_rules! climates {
    ($($name:ident: $climate:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            all_seeds(Climate::$climate).await;
        })*

        #[test]
        fn every_climate_is_lived_through() {
            assert_eq!([$(Climate::$climate),*], Climate::ALL);
        }
    };
}

climates! {
    a_store_that_rejects: Rejects,
    a_store_that_times_out: TimesOut,
    a_store_that_truncates: Truncates,
    a_store_that_answers_errors_as_success: AnswersErrors,
    a_store_that_loses_replies: LosesReplies,
    a_store_that_lists_late: ListsLate,
    a_store_that_reorders: Reorders,
    a_store_that_slows_down: SlowsDown,
    a_store_whose_credentials_expire: Expires,
    a_store_that_flips_bits: FlipsBits,
}
