//! Partitions of CrateDB that go together: few statements, and still each with a proof of its own.

use serde_json::json;

use crate::cratedb_world::World;

/// Six days of 2024, a row an hour.
pub(crate) fn days(world: &World) -> String {
    let table = format!("data_{}.days", world.name);
    world.sql(&format!("DROP TABLE IF EXISTS {table}"));
    world.sql(&format!(
        "CREATE TABLE {table} (time TIMESTAMP WITH TIME ZONE NOT NULL, \
         day TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('day', time), n BIGINT) \
         CLUSTERED INTO 1 SHARDS PARTITIONED BY (day) WITH (number_of_replicas = 0)"
    ));
    world.sql(&format!(
        "INSERT INTO {table} (time, n) SELECT generate_series, 1 \
         FROM generate_series('2024-01-01'::TIMESTAMP, '2024-01-06T23:00:00'::TIMESTAMP, '1 hour'::INTERVAL)"
    ));
    world.sql(&format!("REFRESH TABLE {table}"));
    table
}

const RUN: &[&str] = &["run", "--cutoff=2024-01-06", "--yes"];

#[test]
fn many_partitions_go_by_few_statements_whenever_it_is_killed() {
    let world = World::new("together");
    for at in [
        "",
        "after:look",
        "before:block writes",
        "after:block writes",
        "after:count",
        "before:drop",
        "after:drop",
        "before:record",
    ] {
        let table = days(&world);
        world.json(&["ttl", &format!("{table}:day drop 1d")]);
        let before = world.crate_db.asked();
        let (code, said) = match at {
            "" => world.code(RUN),
            at => {
                world.killed(at, RUN);
                world.resume()
            }
        };
        assert_eq!(code, 0, "{at}: {said}");
        assert_eq!((world.count(&table), world.partitions(&table)), (48, 2), "{at}");
        if at.is_empty() {
            assert!(said.contains("removed 96 rows in 4 items"), "{said}");
            // Planned, and four partitions dropped: with each of them alone it was 18 statements a partition.
            let asked = world.crate_db.asked() - before;
            assert!(asked <= 4 + 40, "{asked} statements");
        }
    }
    let history = world.json(&["history"]);
    let dropped = history["entries"].as_array().unwrap().iter();
    let dropped = dropped.filter(|it| it["action"] == "drop partition" && it["rows"] == json!(24));
    assert_eq!(dropped.count(), 8 * 4, "{history}");
    world.finish();
}

#[test]
fn what_is_wrong_with_one_of_them_stops_no_other() {
    let world = World::new("apart");
    let table = days(&world);
    world.json(&["ttl", &format!("{table}:day drop 1d")]);
    world.killed("after:look", RUN);
    // One is gone, one is made anew, one has more rows than before.
    world.sql(&format!("DELETE FROM {table} WHERE day = 1704067200000"));
    world.sql(&format!("DELETE FROM {table} WHERE day = 1704153600000"));
    world.sql(&format!(
        "INSERT INTO {table} (time, n) VALUES ('2024-01-02T05:00:00', 7), ('2024-01-03T05:30:00', 7)"
    ));
    let (code, said) = world.resume();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("removed 49 rows"), "{said}");
    assert_eq!((world.count(&table), world.partitions(&table)), (49, 3), "{said}");
    // The one that is another one takes rows.
    world.sql(&format!(
        "INSERT INTO {table} (time, n) VALUES ('2024-01-02T06:00:00', 8)"
    ));
    // One over the limit stays, and takes rows again.
    let table = days(&world);
    world.killed(
        "after:look",
        &["run", "--cutoff=2024-01-06", "--yes", "--max-rows=96"],
    );
    world.sql(&format!(
        "INSERT INTO {table} (time, n) SELECT generate_series, 2 \
         FROM generate_series('2024-01-01'::TIMESTAMP, '2024-01-01T01:19:00'::TIMESTAMP, '1 minute'::INTERVAL)"
    ));
    let (code, said) = world.resume();
    assert!(
        code == 3 && said.contains("more than max_rows 96"),
        "{code} {said}"
    );
    assert!(said.contains("it takes rows again"), "{said}");
    assert_eq!(
        (world.count(&table), world.partitions(&table)),
        (104 + 48, 3),
        "{said}"
    );
    world.sql(&format!(
        "INSERT INTO {table} (time, n) VALUES ('2024-01-01T06:00:00', 8)"
    ));
    world.finish();
}

/// Blocks writes to a day, or allows them.
fn block(world: &World, table: &str, blocked: bool) {
    world.sql(&format!(
        "ALTER TABLE {table} PARTITION (day = 1704067200000) SET (\"blocks.write\" = {blocked})"
    ));
}

#[test]
fn a_partition_whose_writes_an_operator_blocked_stays_blocked() {
    let world = World::new("blocked");
    // Alone, and with others.
    for (cutoff, most, left) in [("2024-01-03", 30, 6), ("2024-01-06", 96, 3)] {
        let table = days(&world);
        world.json(&["ttl", &format!("{table}:day drop 1d")]);
        block(&world, &table, true);
        let (cutoff, most) = (format!("--cutoff={cutoff}"), format!("--max-rows={most}"));
        world.killed("after:look", &["run", &cutoff, "--yes", &most]);
        block(&world, &table, false);
        world.sql(&format!(
            "INSERT INTO {table} (time, n) SELECT generate_series, 2 \
             FROM generate_series('2024-01-01'::TIMESTAMP, '2024-01-01T01:19:00'::TIMESTAMP, '1 minute'::INTERVAL)"
        ));
        block(&world, &table, true);
        let (code, said) = world.resume();
        assert!(
            code == 3 && said.contains("it takes no rows, as before"),
            "{code} {said}"
        );
        assert_eq!(world.partitions(&table), left, "{said}");
        let (status, refused) = world.crate_db.try_sql(&format!(
            "INSERT INTO {table} (time, n) VALUES ('2024-01-01T06:00:00', 8)"
        ));
        assert_ne!(status, 200, "{refused}");
    }
    world.finish();
}
