//! Partitions that are there before their rows come.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;
use crate::retention_busy::stops_nobody;

/// January of 2024 and a default partition with rows of December, February and March.
fn months(world: &World) {
    world.sql(
        "CREATE TABLE months (n int, at timestamptz NOT NULL, twice int GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (at, n)) PARTITION BY RANGE (at);
         CREATE TABLE months_2024_01 PARTITION OF months FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z');
         CREATE TABLE months_default (twice int GENERATED ALWAYS AS (n * 2) STORED, at timestamptz NOT NULL, n int);
         ALTER TABLE months ATTACH PARTITION months_default DEFAULT;
         INSERT INTO months (n, at) SELECT n, '2023-12-30Z'::timestamptz + n * interval '1 day' FROM generate_series(0, 69) n",
    );
    world.json(&["add", "months:at ahead 2 months", "--name=ahead"]);
}

const RUN: &[&str] = &["run", "--cutoff=2024-02-15", "--yes"];

fn bounds(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT relname, pg_get_expr(relpartbound, oid), (xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c FROM ' || oid::regclass, false, true, '')))[1]::text
           FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1",
    )
}

#[test]
fn partitions_are_made_ahead_and_the_default_one_is_emptied() {
    let mut expected = None;
    for (release, order) in [
        (Release::Thirteen, ""),
        (Release::Fifteen, ""),
        (Release::Eighteen, ""),
        (Release::Eighteen, "before:create"),
        (Release::Eighteen, "after:create:2"),
        (Release::Eighteen, "before:prove"),
        (Release::Eighteen, "after:record"),
    ] {
        let Some(world) = World::new(release) else {
            continue;
        };
        months(&world);
        let plan = world.json(&["plan", "--cutoff=2024-02-15"]);
        let rows: Vec<_> = plan["work"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["rows"])
            .collect();
        assert_eq!(rows, [2, 29, 8, 0], "{plan}");
        if order.is_empty() {
            let report = world.json(RUN);
            assert_eq!(report["rows_removed"], 0, "{report}");
            assert_eq!(report["items"][1]["before"], 29, "{report}");
        } else {
            let mut command = world.command(RUN);
            command.env("OSTLER_TEST_KILL", order);
            assert_eq!(command.output().unwrap().status.code(), None, "{order}");
            let list = world.ostler.json(["operation", "list"]);
            world.ostler.json([
                "operation",
                "resume",
                list["operations"][0]["id"].as_str().unwrap(),
            ]);
        }
        assert_eq!(
            world.number("SELECT count(*) FROM months WHERE twice = n * 2"),
            70
        );
        assert_eq!(world.number("SELECT count(*) FROM ONLY months_default"), 0);
        let found = bounds(&world);
        assert_eq!(
            &found,
            expected.get_or_insert_with(|| found.clone()),
            "{release:?} {order}"
        );
        assert_eq!(found.len(), 6, "{found:?}");
        // A second run has nothing to do, and says so.
        let again = world.run(RUN);
        assert!(
            again.status.success() && said(&again).contains("all partitions are there"),
            "{}",
            said(&again)
        );
        let checked = world.json(&["policy", "check"]);
        assert!(checked["policies"] == 1, "{checked}");
    }
}

#[test]
fn making_partitions_stops_nobody() {
    for release in [Release::Thirteen, Release::Eighteen] {
        let Some(world) = World::new(release) else {
            continue;
        };
        months(&world);
        world.sql("INSERT INTO months (n, at) SELECT n, '2024-02-10Z'::timestamptz + n * interval '1 second' FROM generate_series(100, 299) n");
        stops_nobody(
            &world,
            &[
                "INSERT INTO months (n, at) SELECT coalesce(max(n), 0) + 1, '2024-02-20Z' FROM months WHERE at = '2024-02-20Z'",
                "SELECT count(*) FROM months",
            ],
            world.command(RUN),
        );
        assert_eq!(world.number("SELECT count(*) FROM ONLY months_default"), 0);
    }
}

#[test]
fn what_would_make_others_wait_too_long_is_refused_unless_they_may() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    months(&world);
    // A trigger that takes its time, as many rows would.
    world.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN OLD; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON months_default FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let refused = world.run(RUN);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(said(&refused).contains("--move-time"), "{}", said(&refused));
    assert_eq!(world.number("SELECT count(*) FROM ONLY months_default"), 29 + 8);
    world.json(&[RUN, &["--move-time=10s"]].concat());
    assert_eq!(world.number("SELECT count(*) FROM ONLY months_default"), 0);
    assert_eq!(world.number("SELECT count(*) FROM months"), 70);
}

#[test]
fn what_is_in_the_way_of_a_partition_is_told() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    months(&world);
    world.sql("CREATE TABLE months_2024_02 (n int)");
    let partial = world.run(RUN);
    assert_eq!(partial.status.code(), Some(3), "{}", said(&partial));
    assert!(
        said(&partial).contains("something else called public.months_2024_02"),
        "{}",
        said(&partial)
    );
    assert_eq!(world.number("SELECT count(*) FROM ONLY months_default"), 29);
    world.sql("CREATE TABLE plain (at timestamptz)");
    for (line, code) in [("plain:at ahead 1mo", 2), ("months:at ahead INF", 2)] {
        world.run(&["policy", "remove", "x"]);
        world.run(&["add", line, "--name=x"]);
        let found = world.run(&["plan", "--policy=x"]);
        assert!(
            [Some(code), Some(7)].contains(&found.status.code()),
            "{line}: {}",
            said(&found)
        );
    }
}
