//! What PostgreSQL's side does, on real servers. The whole way, with the binary killed at steps, is in `crates/cli/tests/it`.
#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

mod losing;
mod samples;

use ostler_api::retention::{Policy, Strategy, TableName};
use ostler_postgres::{Dsn, Target};
use ostler_retention::Database;
use ostler_retention::postgres::Postgres;
use ostler_retention::strategy::{Question, decide};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_vocabulary::Period;

/// What goes of the table `t` by a column, on each release; all of them must agree but for how partitions are detached.
async fn plans(statements: &str, column: &str, strategy: Strategy) -> Vec<String> {
    let mut pages = Vec::new();
    for release in Release::SUPPORTED {
        let Some(server) = shared_postgres(release) else {
            continue;
        };
        let database = server.database();
        server.sql(&database, statements);
        let dsn = Dsn::parse(&server.url(&database)).unwrap();
        let target = Target::resolve(&dsn, &|_| None).unwrap();
        let postgres = Postgres::open(&target, "ext").await.unwrap();
        let facts = postgres.facts(&TableName::in_public("t")).await.unwrap().unwrap();
        let policy = Policy::new("p", TableName::in_public("t"), column, strategy, Period::Infinite);
        let zone = ostler_retention::cutoff::zone("Europe/Berlin").unwrap();
        let question = Question {
            policy: &policy,
            now: "2024-06-01T00:00:00Z".parse().unwrap(),
            threshold: Some("2024-03-01T00:00:00Z".parse().unwrap()),
            zone: &zone,
            rule: policy.partition_rule,
            min_keep: 1,
        };
        let decision = decide(&question, &facts).unwrap();
        let mut page = format!("concurrently: {}\n", facts.detaches_concurrently);
        for verdict in &decision.partitions {
            let word = if verdict.goes { "goes" } else { "stays" };
            page += &format!("{word} {}: {}\n", verdict.partition, verdict.reason);
        }
        for item in &decision.items {
            let measured = postgres.measure(&item.table, &item.target).await.unwrap();
            page += &format!("{} {} {measured:?}\n", item.action, item.table);
            for statement in postgres.statements(&facts, &item.table, &item.task()) {
                page += &format!("  {statement}\n");
            }
        }
        Box::new(postgres).close().await;
        pages.push(page);
    }
    pages
}

fn agree(name: &str, pages: &[String]) {
    let Some(newest) = pages.last() else { return };
    for page in pages {
        let plain = |text: &str| {
            text.replace(" CONCURRENTLY", "")
                .replace("concurrently: true", "concurrently: false")
        };
        assert_eq!(plain(page), plain(newest));
    }
    insta::assert_snapshot!(name, newest);
}

#[tokio::test]
async fn partitions_of_any_depth_and_type_are_found_by_their_bounds() {
    let by_tenant = "CREATE TABLE t (tenant text, at date NOT NULL) PARTITION BY LIST (tenant);
        CREATE TABLE acme PARTITION OF t FOR VALUES IN ('acme') PARTITION BY RANGE (at);
        CREATE TABLE acme_1 PARTITION OF acme FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE acme_2 PARTITION OF acme FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
        CREATE TABLE acme_3 PARTITION OF acme FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
        CREATE TABLE other PARTITION OF t FOR VALUES IN ('other') PARTITION BY RANGE (at);
        CREATE TABLE other_1 PARTITION OF other FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        INSERT INTO t VALUES ('acme', '2024-01-05'), ('acme', '2024-01-06'), ('other', '2024-01-05')";
    agree("by_tenant", &plans(by_tenant, "at", Strategy::Drop).await);
    let below = "CREATE TABLE t (at timestamp NOT NULL, n int) PARTITION BY RANGE (at);
        CREATE TABLE old PARTITION OF t FOR VALUES FROM (MINVALUE) TO ('2024-01-01') PARTITION BY LIST (n);
        CREATE TABLE old_1 PARTITION OF old FOR VALUES IN (1);
        CREATE TABLE feb PARTITION OF t FOR VALUES FROM ('2024-01-01') TO ('2024-03-01 01:00');
        CREATE TABLE mar PARTITION OF t FOR VALUES FROM ('2024-03-01 01:00') TO (MAXVALUE);
        INSERT INTO t VALUES ('2020-01-01', 1), ('2024-02-01', 1)";
    agree("below", &plans(below, "at", Strategy::Drop).await);
}

#[tokio::test]
async fn rows_are_counted_by_the_condition_that_deletes_them() {
    let rows = "CREATE DOMAIN moment AS timestamptz; CREATE TABLE t (at moment, n int);
        CREATE TABLE child () INHERITS (t);
        INSERT INTO t VALUES ('2024-02-01Z', 1), ('2024-03-01Z', 2), (NULL, 3); INSERT INTO child VALUES ('2023-01-01Z', 4)";
    agree("rows", &plans(rows, "at", Strategy::Delete).await);
}
