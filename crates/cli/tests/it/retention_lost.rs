//! Retention whose session is lost in mid-run: what is over stays over, nothing stays detached, and `operation resume` ends it.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use serde_json::Value;

use crate::retention::World;

const RUN: &[&str] = &["run", "--cutoff=2024-01-06", "--yes"];

/// Four old days and a young one, 5 rows each; the session that drops the n-th of them is ended while it does.
fn days(world: &World, lost_at: u32) {
    world.sql(
        "CREATE TABLE days (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
         DO $$ BEGIN FOR d IN 1..5 LOOP
           EXECUTE format('CREATE TABLE day_%s PARTITION OF days FOR VALUES FROM (%L) TO (%L)',
             d, '2024-01-01Z'::timestamptz + (d - 1) * interval '1 day', '2024-01-01Z'::timestamptz + d * interval '1 day');
         END LOOP; END $$;
         INSERT INTO days SELECT '2024-01-01Z'::timestamptz + n * interval '288 minutes', n FROM generate_series(0, 24) n",
    );
    world.json(&["add", "days drop 1d", "--name=days"]);
    // A sequence counts also what is rolled back.
    world.sql(&format!(
        "CREATE SEQUENCE drops;
         CREATE FUNCTION lose() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
           IF nextval('public.drops') = {lost_at} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
         END $$;
         CREATE EVENT TRIGGER lose ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION lose()"
    ));
}

/// Tables of days, and which of them are partitions.
fn left(world: &World) -> (i64, i64) {
    let tables = "SELECT count(*) FROM pg_class WHERE relname ~ '^day_' AND relkind = 'r'";
    let attached = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'days'::regclass";
    (world.number(tables), world.number(attached))
}

fn newest(world: &World) -> Value {
    let list = world.ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
    world.ostler.json(["operation", "show", &id])
}

fn id(operation: &Value) -> &str {
    operation["id"].as_str().unwrap()
}

#[test]
fn a_lost_session_leaves_nothing_detached_and_a_resume_ends_the_run() {
    for release in [Release::Thirteen, Release::Eighteen] {
        for lost_at in [1, 2] {
            let Some(world) = World::new(release) else {
                continue;
            };
            days(&world, lost_at);
            let lost = world.run(RUN);
            assert_eq!(lost.status.code(), Some(8), "{}", said(&lost));
            assert!(said(&lost).contains("operation resume"), "{}", said(&lost));
            let gone = i64::from(lost_at) - 1;
            assert_eq!(left(&world), (5 - gone, 5 - gone), "{}", said(&lost));
            if gone > 0 {
                assert!(
                    said(&lost).contains("finished: drop partition public.day_1: 5 rows"),
                    "{}",
                    said(&lost)
                );
            }
            let operation = newest(&world);
            let report = world.ostler.json(["operation", "resume", id(&operation)]);
            assert_eq!(report["rows_removed"], 20, "{report}");
            assert_eq!(left(&world), (1, 1), "{report}");
            let audit = world
                .number("SELECT sum(rows)::bigint FROM ext.retention_audit WHERE action = 'drop partition'");
            assert_eq!(audit, 20);
            let again = world.ostler.run(["operation", "resume", id(&operation)]);
            assert_eq!(again.status.code(), Some(4), "{}", said(&again));
        }
    }
}

#[test]
fn a_partition_that_is_left_detached_is_found_by_plan_and_check() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    days(&world, 0);
    let mut command = world.command(RUN);
    let killed = command
        .env("OSTLER_TEST_KILL", "after:detach:2")
        .output()
        .unwrap();
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    assert_eq!(left(&world), (4, 3));
    let operation = newest(&world);
    let resume = format!("operation resume {}", &id(&operation)[..8]);
    for verb in [
        &["plan", "--cutoff=2024-01-06"][..],
        &["run", "--cutoff=2024-01-02", "--yes"],
    ] {
        let ended = world.run(verb);
        let text = said(&ended);
        assert_eq!(ended.status.code(), Some(3), "{text}");
        assert!(
            text.contains("day_2 is detached from public.days") && text.contains(&resume),
            "{text}"
        );
    }
    let check = world.run(&["policy", "check"]);
    assert_ne!(check.status.code(), Some(0), "{}", said(&check));
    assert!(said(&check).contains(&resume), "{}", said(&check));
    // What the finding says besides.
    let attach = said(&check);
    let attach = attach
        .split('`')
        .find(|word| word.starts_with("ALTER TABLE"))
        .unwrap();
    world.sql(attach);
    assert_eq!(left(&world), (4, 4), "{attach}");
    let check = world.run(&["policy", "check"]);
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
    // What was attached by hand stays, and the report says so; the next run takes it.
    let resumed = world.ostler.run(["operation", "resume", id(&operation)]);
    assert_eq!(resumed.status.code(), Some(3), "{}", said(&resumed));
    assert!(
        said(&resumed).contains("day_2: it was attached or renamed meanwhile"),
        "{}",
        said(&resumed)
    );
    assert_eq!(left(&world), (2, 2), "{}", said(&resumed));
    let report = world.json(RUN);
    assert_eq!(
        (report["rows_removed"].as_u64(), left(&world)),
        (Some(5), (1, 1)),
        "{report}"
    );
}
