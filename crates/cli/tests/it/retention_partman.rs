//! Tables that pg_partman looks after: its partitions go, and nothing of what it is told changes.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// The twelve months of 2024 and those up to now, as pg_partman makes them, with a default partition and a template; ten rows a month.
fn events(world: &World) {
    world.sql(
        "SET TimeZone = 'UTC'; CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman;
         CREATE TABLE events (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
         SELECT partman.create_parent('public.events', 'at', 'native', 'monthly', p_premake := 2, p_start_partition := '2024-01-01');
         INSERT INTO events SELECT m + n * interval '2 days', n
           FROM generate_series('2024-01-01Z'::timestamptz, '2024-12-01Z', '1 month') m, generate_series(0, 9) n;
         INSERT INTO events VALUES ('2020-01-01Z', -1)",
    );
}

/// What pg_partman is told, and its template.
fn told(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT 'told', c::text FROM partman.part_config c
         UNION ALL SELECT 'template', c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'partman' AND c.relname LIKE 'template%' ORDER BY 1, 2",
    )
}

fn partitions(world: &World) -> Vec<Option<String>> {
    let rows = world.sql(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1",
    );
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn partitions_of_pg_partman_go_and_what_it_is_told_stays() {
    let Some(world) = World::new(Release::WithPgq) else {
        return;
    };
    events(&world);
    let (before, rules) = (partitions(&world), told(&world));
    assert!(before.contains(&Some("events_p2024_04".to_owned())), "{before:?}");
    assert!(before.contains(&Some("events_default".to_owned())), "{before:?}");
    world.json(&["add", "events:at drop 13 months"]);
    let report = world.json(&["run", "--cutoff=2025-06-01", "--yes"]);
    assert_eq!(report["rows_removed"], 40, "{report}");
    let left = partitions(&world);
    assert_eq!(left.len(), before.len() - 4, "{left:?}");
    assert!(!left.contains(&Some("events_p2024_04".to_owned())), "{left:?}");
    assert_eq!(world.number("SELECT count(*) FROM events"), 81);
    assert_eq!(told(&world), rules);
    // It goes on as if nothing had been: what went does not come back, and new rows have their partitions.
    world.sql("SET TimeZone = 'UTC'; SELECT partman.run_maintenance('public.events')");
    assert_eq!(partitions(&world), left);
    world.sql("INSERT INTO events VALUES (now(), 1), (now() + interval '1 month', 1)");
    assert_eq!(world.number("SELECT count(*) FROM ONLY events_default"), 1);
    // Two that remove are told of each other, and so are two that make.
    let checked = said(&world.run(&["policy", "check"]));
    assert!(!checked.contains("pg_partman"), "{checked}");
    world.sql("UPDATE partman.part_config SET retention = '2 years'");
    let checked = said(&world.run(&["policy", "check"]));
    assert!(checked.contains("pg_partman takes partitions"), "{checked}");
    world.json(&["add", "events:at ahead 2 months", "--name=ahead"]);
    let checked = said(&world.run(&["policy", "check", "--policy=ahead"]));
    assert!(checked.contains("pg_partman makes partitions"), "{checked}");
}
