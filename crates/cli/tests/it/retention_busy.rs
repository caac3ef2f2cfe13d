//! Retention while others work, and after it was killed.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// Six days by the day, 20 rows each, and the same in a table without partitions.
fn days(world: &World) {
    world.sql(
        "CREATE TABLE days (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
         DO $$ BEGIN FOR d IN 1..6 LOOP
           EXECUTE format('CREATE TABLE day_%s PARTITION OF days FOR VALUES FROM (%L) TO (%L)',
             d, '2024-01-01Z'::timestamptz + (d - 1) * interval '1 day', '2024-01-01Z'::timestamptz + d * interval '1 day');
         END LOOP; END $$;
         INSERT INTO days SELECT '2024-01-01Z'::timestamptz + n * interval '72 minutes', n FROM generate_series(0, 119) n;
         CREATE TABLE rows (at timestamptz NOT NULL, n int); INSERT INTO rows SELECT * FROM days",
    );
    world.json(&["add", "days drop 1d", "--name=days"]);
    world.json(&["add", "rows delete 1d", "--name=rows"]);
}

const RUN: &[&str] = &["run", "--cutoff=2024-01-04", "--yes"];

/// What is left, in a form that is the same for the same end.
fn state(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT 'table', relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relname ~ '^(day|rows)'
         UNION ALL SELECT 'days', string_agg(n::text, ' ' ORDER BY n) FROM days
         UNION ALL SELECT 'rows', string_agg(n::text, ' ' ORDER BY n) FROM rows
         UNION ALL SELECT 'audit ' || coalesce(item, '–'), rows::text FROM ext.retention_audit
         UNION ALL SELECT 'progress', count(*)::text FROM ext.retention_progress ORDER BY 1, 2",
    )
}

#[test]
fn a_run_that_is_killed_at_any_step_resumes_to_the_same_end() {
    for release in Release::SUPPORTED {
        let Some(world) = World::new(release) else {
            continue;
        };
        days(&world);
        let report = world.json(RUN);
        assert_eq!(report["rows_removed"], 80, "{report}");
        let expected = state(&world);
        // The newest one at every step, the others where they differ from it.
        let all: &[&str] = match release {
            Release::Eighteen => &[
                "look", "detach", "count", "drop", "delete", "prove", "forget", "record",
            ],
            _ => &["detach"],
        };
        for step in all {
            for moment in ["before", "after"] {
                let Some(world) = World::new(release) else {
                    continue;
                };
                days(&world);
                let mut command = world.command(RUN);
                command.env("OSTLER_TEST_KILL", format!("{moment}:{step}"));
                let killed = command.output().unwrap();
                assert_eq!(killed.status.code(), None, "{moment} {step}: {}", said(&killed));
                let list = world.ostler.json(["operation", "list"]);
                let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
                let report = world.ostler.json(["operation", "resume", &id]);
                assert_eq!(report["rows_removed"], 80, "{moment} {step} {report}");
                assert_eq!(state(&world), expected, "{release:?} {moment} {step}");
            }
        }
    }
}

#[test]
fn two_runners_exclude_each_other_and_a_long_reader_only_delays_its_partition() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    days(&world);
    let mut other = world.server.wire(&world.database).unwrap();
    other.query("SELECT pg_advisory_lock(1330860882, 2)").unwrap();
    let busy = world.run(RUN);
    assert_eq!(busy.status.code(), Some(5), "{}", said(&busy));
    other.query("SELECT pg_advisory_unlock_all()").unwrap();
    // A reader that stays: partitions cannot go, rows of others do.
    other.query("BEGIN; SELECT count(*) FROM days").unwrap();
    let partial = world.run(&[RUN, &["--lock-wait=1s"]].concat());
    assert_eq!(partial.status.code(), Some(3), "{}", said(&partial));
    assert_eq!(world.number("SELECT count(*) FROM rows"), 80);
    other.query("COMMIT").unwrap();
    // What was begun is found and ended.
    let report = world.json(RUN);
    assert_eq!(report["items"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(world.number("SELECT count(*) FROM days"), 80);
}

#[test]
fn a_partition_that_cannot_be_dropped_is_attached_again() {
    for release in Release::SUPPORTED {
        let Some(world) = World::new(release) else {
            continue;
        };
        days(&world);
        // By its type, which a plan does not look for.
        world.sql("CREATE TABLE somebodys (day day_1)");
        let partial = world.run(RUN);
        assert_eq!(partial.status.code(), Some(3), "{}", said(&partial));
        assert!(
            said(&partial).contains("it is attached again"),
            "{}",
            said(&partial)
        );
        assert_eq!(world.number("SELECT count(*) FROM days"), 100);
    }
}

#[test]
fn partitions_beside_a_default_one_go_too_and_the_default_one_stays() {
    for release in Release::SUPPORTED {
        let Some(world) = World::new(release) else {
            continue;
        };
        days(&world);
        // As pg_partman lays them out.
        world.sql("CREATE TABLE days_default PARTITION OF days DEFAULT; INSERT INTO days VALUES ('2020-01-01Z', -1)");
        let report = world.json(&[RUN, &["--policy=days"]].concat());
        assert_eq!(report["rows_removed"], 40, "{report}");
        assert_eq!(world.number("SELECT count(*) FROM days"), 81);
    }
}

/// Sends a statement again and again until it is over: the longest that it took, and how often it was sent.
fn busy(world: &World, statement: &str, over: &AtomicBool) -> (Duration, u32) {
    let mut wire = world.server.wire(&world.database).unwrap();
    let mut longest = Duration::ZERO;
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        wire.query(statement).unwrap();
        longest = longest.max(start.elapsed());
        calls += 1;
    }
    (longest, calls)
}

/// Runs a command while an application sends each of these statements all the time, and never has to wait for a second.
pub fn stops_nobody(world: &World, statements: &[&str], mut command: Command) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = statements
            .iter()
            .map(|statement| (*statement, scope.spawn(|| busy(world, statement, &over))))
            .collect();
        let nobody = scope.spawn(|| busy(world, "SELECT 1", &over));
        let ran = command.output().unwrap();
        over.store(true, Ordering::Relaxed);
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
        // What the machine itself makes wait is known by a statement that needs no lock.
        let (machine, _) = nobody.join().unwrap();
        for (statement, worker) in workers {
            let (longest, calls) = worker.join().unwrap();
            assert!(
                longest < Duration::from_secs(1) + machine,
                "{:?}: `{statement}` waited {longest:?}, of which the machine made {machine:?}",
                world.release
            );
            assert!(calls > 1, "{:?}: `{statement}`: {calls} calls", world.release);
        }
    });
}

#[test]
fn an_application_never_waits_a_second() {
    for release in [Release::Thirteen, Release::Eighteen] {
        let Some(world) = World::new(release) else {
            continue;
        };
        days(&world);
        world.sql("INSERT INTO rows SELECT '2024-01-01Z', n FROM generate_series(1, 20000) n");
        stops_nobody(
            &world,
            &[
                "INSERT INTO days VALUES ('2024-01-06Z', 1)",
                "SELECT count(*) FROM days",
                "UPDATE rows SET n = n WHERE at > '2024-01-05Z'",
                // Holds its lock for longer than a try.
                "BEGIN; SELECT count(*) FROM days; SELECT pg_sleep(0.4); COMMIT",
            ],
            world.command(RUN),
        );
        assert_eq!(
            world.number("SELECT count(*) FROM rows WHERE at < '2024-01-03Z'"),
            0
        );
    }
}

#[test]
fn least_privileges_are_enough() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    days(&world);
    let database = &world.database;
    world.sql(&format!(
        "CREATE ROLE runner_{database} LOGIN; CREATE ROLE looker_{database} LOGIN;
         GRANT USAGE ON SCHEMA ext TO runner_{database}, looker_{database};
         GRANT SELECT ON ext.retention_policy, ext.retention_migration TO runner_{database}, looker_{database};
         GRANT INSERT ON ext.retention_audit TO runner_{database};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ext.retention_progress TO runner_{database};
         GRANT SELECT, DELETE, UPDATE ON rows TO runner_{database}; GRANT SELECT ON rows TO looker_{database}"
    ));
    let as_role = |role: &str, words: &[&str]| {
        let dsn = format!(
            "--dsn={}",
            world.server.url_of(&format!("{role}_{database}"), database)
        );
        let mut all = vec!["retention"];
        all.extend(words);
        all.push(&dsn);
        let output = world.ostler.run(all);
        (output.status.code(), said(&output))
    };
    let (code, said) = as_role("looker", &["plan", "--cutoff=2024-01-04", "--policy=rows"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = as_role(
        "looker",
        &["run", "--cutoff=2024-01-04", "--policy=rows", "--yes"],
    );
    assert_ne!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT count(*) FROM rows"), 120);
    let (code, said) = as_role(
        "runner",
        &["run", "--cutoff=2024-01-04", "--policy=rows", "--yes"],
    );
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT count(*) FROM rows"), 80);
}
