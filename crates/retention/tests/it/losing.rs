//! A run over partitions whose session is lost at any message, with partitions that vanish in between: after a resume or a
//! cancel each partition is as before or gone, on a real server.

use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::document::PolicyChanged;
use ostler_api::request::{Plan, Request};
use ostler_api::retention::{Pace, Policy, PolicyPlace, Retention, Strategy, TableName};
use ostler_operations::testing::{dead_process, quick};
use ostler_operations::{Engine, MemoryJournal, OperationRecord, Spec, State};
use ostler_postgres::{Dsn, Target};
use ostler_retention::archive::{Manifest, Shelves};
use ostler_retention::postgres::Postgres;
use ostler_retention::{Class, Database, kind_of, plan_of, run_plan};
use ostler_store::{Memory, Store};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::proxy::{Cut, StreamProxy};
use ostler_testkit::random::Random;
use ostler_testkit::servers::{Postgres as Server, shared_postgres};
use ostler_vocabulary::{ErrorKind, Failure, OperationId, Period, SystemClock};

const PARTITIONS: [&str; 3] = ["p1", "p2", "p3"];

#[derive(Debug, Clone, Default)]
struct Shelf(Arc<Memory>);

#[async_trait]
impl Shelves for Shelf {
    async fn shelf(&self, _: &str) -> Result<Arc<dyn Store>, Failure> {
        Ok(self.0.clone())
    }

    fn class(&self, _: &str) -> Option<Class> {
        None
    }
}

/// One database behind a proxy, and one journal.
struct Stage {
    server: &'static Server,
    database: String,
    proxy: StreamProxy,
    shelf: Shelf,
    journal: Arc<MemoryJournal>,
    processes: u64,
}

fn target(server: &Server, database: &str, port: u16) -> Target {
    let url = server
        .url(database)
        .replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    Target::resolve(&Dsn::parse(&url).unwrap(), &|_| None).unwrap()
}

impl Stage {
    fn new(release: Release) -> Option<Self> {
        let server = shared_postgres(release)?;
        Some(Self {
            database: server.database(),
            proxy: StreamProxy::start(server.port()).unwrap(),
            server,
            shelf: Shelf::default(),
            journal: Arc::default(),
            processes: 0,
        })
    }

    async fn direct(&self) -> Postgres {
        let target = target(self.server, &self.database, self.server.port());
        Postgres::open(&target, "ext").await.unwrap()
    }

    /// The same three old partitions with 5 rows each, beside a young one; the plan to remove them.
    async fn plan(&mut self, strategy: Strategy) -> Plan {
        self.shelf = Shelf::default();
        self.server.sql(
            &self.database,
            "DROP TABLE IF EXISTS p1, p2, p3, t; DROP SCHEMA IF EXISTS ext CASCADE;
             CREATE TABLE t (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
             CREATE TABLE p1 PARTITION OF t FOR VALUES FROM ('2024-01-01Z') TO ('2024-01-02Z');
             CREATE TABLE p2 PARTITION OF t FOR VALUES FROM ('2024-01-02Z') TO ('2024-01-03Z');
             CREATE TABLE p3 PARTITION OF t FOR VALUES FROM ('2024-01-03Z') TO ('2024-01-04Z');
             CREATE TABLE p4 PARTITION OF t FOR VALUES FROM ('2024-01-04Z') TO ('2025-01-01Z');
             INSERT INTO t SELECT '2024-01-01Z'::timestamptz + n * interval '5 hours', n FROM generate_series(0, 13) n",
        );
        let database = self.direct().await;
        let mut policy = Policy::new(
            "old",
            TableName::in_public("t"),
            "at",
            strategy,
            "1d".parse::<Period>().unwrap(),
        );
        policy.target = (strategy == Strategy::Archive).then(|| "shelf".to_owned());
        let added = PolicyChanged {
            policy: policy.name.clone(),
            action: "added".to_owned(),
            before: None,
            after: Some(policy),
        };
        database.change(&[added]).await.unwrap();
        let request = Request::Retention(Retention {
            place: PolicyPlace {
                database: Default::default(),
                schema: "ext".to_owned(),
            },
            choice: Default::default(),
            strategy: None,
            cutoff: Some("2024-01-05".to_owned()),
            time_zone: None,
            partition_rule: None,
            floors: Default::default(),
            estimate: false,
            explain: false,
            pace: Pace::default(),
        });
        let now = "2024-02-01T00:00:00Z".parse().unwrap();
        let plan = plan_of(&database, &self.shelf, request, now).await.unwrap();
        Box::new(database).close().await;
        plan
    }

    fn engine(&mut self) -> Engine {
        self.processes += 1;
        let clock = Arc::new(SystemClock::default());
        Engine::acting_as(dead_process(self.processes), self.journal.clone(), clock, quick())
    }

    /// Starts it, or resumes the operation, over a network that is cut so.
    async fn run(&mut self, plan: &Plan, id: Option<OperationId>, cut: Option<Cut>) -> OperationRecord {
        self.proxy.cut_at(cut);
        let engine = self.engine();
        let (kind, version) = kind_of(&plan.request);
        let (run_plan_of, shelf) = (plan.clone(), self.shelf.clone());
        let target = target(self.server, &self.database, self.proxy.port());
        let run = move |op| async move {
            let database = Postgres::open(&target, "ext").await?;
            let finished = run_plan(run_plan_of, op, &database, &shelf).await;
            Box::new(database).close().await;
            finished
        };
        let id = match id {
            Some(id) => {
                engine.resume(id, kind, version, run).await.unwrap();
                id
            }
            None => {
                let spec = Spec {
                    kind,
                    version,
                    subject: plan.subject.clone(),
                    plan: serde_json::to_value(plan).unwrap(),
                };
                engine.start(spec, run).await.unwrap()
            }
        };
        engine.wait(id).await.unwrap()
    }

    fn rows(&self, statement: &str) -> Vec<String> {
        let rows = self.server.sql(&self.database, statement);
        rows.into_iter()
            .map(|mut row| row.remove(0).unwrap_or_default())
            .collect()
    }

    /// Everything that can be seen.
    fn seen(&self) -> (Vec<String>, Vec<String>, String) {
        let tables = "SELECT relname FROM pg_class WHERE relname ~ '^p[123]$' AND relkind = 'r' ORDER BY 1";
        let attached = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 't'::regclass AND c.relname <> 'p4'
               AND to_jsonb(i) ->> 'inhdetachpending' IS DISTINCT FROM 'true' ORDER BY 1";
        (
            self.rows(tables),
            self.rows(attached),
            format!("{:?}", self.shelf),
        )
    }

    async fn archives(&self) -> Vec<String> {
        let all = ostler_store::list_all(self.shelf.0.as_ref(), "").await.unwrap();
        let manifests = all
            .iter()
            .filter(|object| object.key.as_str().contains("/manifests/"));
        let mut names = Vec::new();
        for object in manifests {
            let body = self.shelf.0.get(&object.key).await.unwrap();
            let manifest = Manifest::decode(object.key.as_str(), &body).unwrap();
            names.push(manifest.partition.unwrap().name.name);
        }
        names.sort();
        names
    }
}

/// One operation: lost, resumed or cancelled, until it is over.
async fn lose(stage: &mut Stage, seed: u64) {
    let mut random = Random::new(seed);
    let strategy = match random.below(2) {
        0 => Strategy::Drop,
        _ => Strategy::Archive,
    };
    let plan = stage.plan(strategy).await;
    let mut record: Option<OperationRecord> = None;
    let (mut vanished, mut said) = (Vec::new(), format!("seed {seed}, {strategy:?}"));
    for attempt in 0..3 {
        let cut = Cut {
            pieces: u32::try_from(random.below(70)).unwrap(),
            carried: random.below(2) == 0,
            refused: u32::try_from(random.below(5)).unwrap(),
        };
        said += &format!("; {cut:?}");
        if let Some(record) = &record {
            if random.below(3) == 0 {
                let name = PARTITIONS[usize::try_from(random.below(3)).unwrap()];
                said += &format!(", {name} vanished");
                stage
                    .server
                    .sql(&stage.database, &format!("DROP TABLE IF EXISTS {name}"));
                vanished.push(name);
            }
            if attempt == 2 && random.below(2) == 0 {
                // Refused when it failed and is as before.
                let asked = stage.engine().cancel(record.id, false).await.is_ok();
                said += &format!(", cancel {asked}");
            }
        }
        let now = stage
            .run(&plan, record.as_ref().map(|record| record.id), Some(cut))
            .await;
        said += &format!(" {:?}", now.state);
        let resumable = now.state.is_resumable();
        record = Some(now);
        if !resumable {
            break;
        }
    }
    let mut record = record.unwrap();
    if record.state.is_resumable() {
        record = stage.run(&plan, Some(record.id), None).await;
    }
    let (tables, attached, _) = stage.seen();
    assert_eq!(tables, attached, "{said}: {record:#?}");
    let over = matches!(record.state, State::Succeeded | State::Partial | State::Cancelled);
    assert!(over, "{said}: {record:#?}");
    if record.state == State::Succeeded {
        assert!(tables.is_empty(), "{said}: {record:#?}");
        let rows = record.outcome.as_ref().unwrap()["rows_removed"].as_u64().unwrap();
        assert!(
            rows <= 14 && (rows == 14 || !vanished.is_empty()),
            "{said}: {rows} {record:#?}"
        );
    }
    for name in PARTITIONS
        .iter()
        .filter(|name| !tables.iter().any(|table| table == *name))
    {
        let listed = record
            .reasons
            .iter()
            .any(|reason| reason.contains(&format!("public.{name}")));
        assert!(
            record.outcome.is_some() || listed || vanished.contains(name),
            "{said}: {name} {record:#?}"
        );
    }
    if strategy == Strategy::Archive {
        let archives = stage.archives().await;
        for name in PARTITIONS {
            let there = tables.iter().any(|table| table == name);
            let archived = archives.iter().any(|archive| archive == name);
            assert!(
                !(there && archived),
                "{said}: {name} is archived and there: {record:#?}"
            );
            assert!(
                there || archived || vanished.contains(&name),
                "{said}: {name} is lost: {record:#?}"
            );
        }
    }
    // Nothing more is changed by whoever asks again.
    let before = stage.seen();
    let refused = stage.engine().cancel(record.id, false).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{said}");
    assert_eq!(before, stage.seen(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_partition_is_as_before_or_gone_wherever_the_session_is_lost() {
    let (first, number) = match std::env::var("OSTLER_TEST_SEED") {
        Ok(seed) => (seed.parse().unwrap(), 1),
        Err(_) => (0, 24),
    };
    for release in [Release::Thirteen, Release::Eighteen] {
        let Some(mut stage) = Stage::new(release) else {
            continue;
        };
        for seed in first..first + number {
            lose(&mut stage, seed).await;
        }
    }
}
