//! Tables of CrateDB that cannot be counted: their policies fail by name, and no other. On the server that `OSTLER_TEST_CRATEDB`
//! names.

use serde_json::json;

use crate::cratedb_world::World;

#[test]
fn a_table_that_cannot_be_counted_fails_its_policy_and_no_other() {
    let world = World::new("faults");
    let readings = world.sensor_readings();
    let broken = [
        ("closed", "CLOSE"),
        ("unread", "SET (\"blocks.read\" = true)"),
        ("frozen", "SET (\"blocks.read_only\" = true)"),
    ];
    for (name, _) in broken {
        let table = format!("data_faults.{name}");
        world
            .crate_db
            .try_sql(&format!("ALTER TABLE {table} SET (\"blocks.read_only\" = false)"));
        world.sql(&format!("DROP TABLE IF EXISTS {table}"));
        world.sql(&format!(
            "CREATE TABLE {table} (at TIMESTAMP WITH TIME ZONE) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)"
        ));
        world.sql(&format!("INSERT INTO {table} (at) VALUES ('2020-01-01')"));
        world.json(&["add", &format!("{table}:at delete 1d")]);
    }
    // One whose shards are nowhere.
    world.sql("DROP TABLE IF EXISTS data_faults.nowhere");
    world.sql(
        "CREATE TABLE data_faults.nowhere (at TIMESTAMP WITH TIME ZONE) CLUSTERED INTO 1 SHARDS \
         WITH (number_of_replicas = 0, \"routing.allocation.require.storage\" = 'nowhere')",
    );
    world.json(&["add", "data_faults.nowhere:at delete 1d"]);
    world.json(&["add", "sys.jobs_log:started delete 1d"]);
    world.json(&["add", &format!("{readings}:time_month drop 365d")]);
    for (name, how) in broken {
        world.sql(&format!("ALTER TABLE data_faults.{name} {how}"));
    }
    let (code, said) = world.code(&["run", "--cutoff=2024-06-01", "--yes"]);
    assert_eq!((code, world.count(&readings)), (3, 4), "{said}");
    for name in ["closed", "unread", "frozen", "nowhere"] {
        assert!(
            said.contains(&format!("policy data_faults.{name}: ")),
            "{name}: {said}"
        );
    }
    assert!(said.contains("policy sys.jobs_log: "), "{said}");
    world.sql("ALTER TABLE data_faults.frozen SET (\"blocks.read_only\" = false)");
    world.finish();
}

#[test]
fn a_partition_that_cannot_be_counted_any_more_stays_and_the_others_go() {
    let world = World::new("uncounted");
    let table = world.sensor_readings();
    let other = "data_uncounted.other";
    world.sql(&format!("DROP TABLE IF EXISTS {other}"));
    world.sql(&format!(
        "CREATE TABLE {other} (at TIMESTAMP WITH TIME ZONE) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)"
    ));
    world.sql(&format!("INSERT INTO {other} (at) VALUES ('2020-01-01')"));
    world.sql(&format!("REFRESH TABLE {other}"));
    world.json(&["add", &format!("{table}:time_month drop 365d"), "--name=a"]);
    world.json(&["add", &format!("{other}:at delete 365d"), "--name=b"]);
    world.killed(
        "before:count",
        &["run", "--cutoff=2024-07-02", "--min-keep=0", "--yes"],
    );
    let read = |blocked: bool| {
        world.sql(&format!("ALTER TABLE {table} SET (\"blocks.read\" = {blocked})"));
    };
    read(true);
    let (code, said) = world.resume();
    read(false);
    assert_eq!(code, 3, "{said}");
    assert_eq!((world.count(&table), world.count(other)), (9, 0), "{said}");
    assert_eq!(world.partitions(&table), 2);
    // Both take rows again.
    world.sql(&format!(
        "INSERT INTO {table} (time, sensor) VALUES ('2023-05-02', 'b'), ('2023-06-02', 'b')"
    ));
    assert_eq!(world.count(&table), 11);
    assert_eq!(
        world.json(&["policy", "list"])["policies"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    world.finish();
}

#[test]
fn a_policy_of_cratedb_toolkit_with_an_unknown_strategy_fails_alone_and_stays_as_it_is() {
    let world = World::new("strange");
    let table = world.sensor_readings();
    world.sql(
        "CREATE TABLE ext_strange.retention_policy (id TEXT NOT NULL PRIMARY KEY, strategy TEXT NOT NULL, tags OBJECT(DYNAMIC), \
         table_schema TEXT, table_name TEXT, partition_column TEXT NOT NULL, retention_period INTEGER NOT NULL, \
         reallocation_attribute_name TEXT, reallocation_attribute_value TEXT, target_repository_name TEXT) CLUSTERED INTO 1 SHARDS",
    );
    world.sql(
        "INSERT INTO ext_strange.retention_policy (id, strategy, table_schema, table_name, partition_column, retention_period) \
         VALUES ('1', 'delete', 'data_strange', 'sensor_readings', 'time_month', 365), \
                ('2', 'compact', 'data_strange', 'sensor_readings', 'time_month', 30)",
    );
    let (code, said) = world.code(&["policy", "list"]);
    assert!(
        code == 0 && said.contains("unknown") && said.contains("compact"),
        "{code} {said}"
    );
    let names_it = |said: &str| said.contains("the strategy `compact` is not known");
    let (code, said) = world.code(&["policy", "check"]);
    assert!(code == 3 && names_it(&said), "{code} {said}");
    let (code, said) = world.code(&["run", "--cutoff=2024-06-01", "--yes"]);
    assert!(code == 3 && names_it(&said), "{code} {said}");
    assert_eq!(world.count(&table), 4, "{said}");
    // Upgrading leaves it to the Toolkit.
    world.json(&["policy", "edit", &table, "--keep=400d"]);
    let rows = world.sql("SELECT id, strategy FROM ext_strange.retention_policy ORDER BY id");
    assert_eq!(
        rows,
        [[json!("1"), json!("ostler:drop")], [json!("2"), json!("compact")]]
    );
    world.finish();
}
