//! Retention in CrateDB: on the server that `OSTLER_TEST_CRATEDB` names, else by what was recorded of one.

use serde_json::{Value, json};

use crate::cratedb_world::World;

#[test]
fn partitions_go_by_their_end() {
    let world = World::new("drop");
    let table = world.sensor_readings();
    world.json(&["add", &format!("{table}:time_month drop 365d"), "--tags=foo,bar"]);
    // The threshold is 2023-05-16: by their end, no month is old enough.
    let none = world.json(&["plan", "--cutoff=2024-05-15"]);
    assert_eq!(none["work"]["items"], json!([]), "{none}");
    // By their start, May is; it has rows that are younger.
    let old = world.json(&["plan", "--cutoff=2024-05-15", "--partition-rule=start"]);
    assert_eq!(old["work"]["items"][0]["rows"], 5, "{old}");
    let notes = old["work"]["policies"][0]["notes"][0].as_str().unwrap();
    assert!(notes.contains("younger"), "{old}");

    let (code, said) = world.code(&["run", "--cutoff=2024-06-01"]);
    assert_eq!((code, world.count(&table)), (4, 9), "{said}");
    let plan = world.json(&["plan", "--cutoff=2024-06-01", "--explain"]);
    let item = &plan["work"]["items"][0];
    assert_eq!(
        (&item["table"], &item["rows"], &item["oldest"], &item["newest"]),
        (
            &json!(format!("{table}[time_month=2023-05-01]")),
            &json!(5),
            &json!("2023-05-01 00:00:00+00"),
            &json!("2023-05-29 00:00:00+00")
        ),
        "{plan}"
    );
    assert_eq!(
        item["reason"],
        "ends 2023-06-01T00:00:00Z, not after 2023-06-02T00:00:00Z"
    );
    assert_eq!(
        plan["work"]["policies"][0]["partitions"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "{plan}"
    );
    let digest = plan["digest"].as_str().unwrap();
    let report = world.json(&["run", "--cutoff=2024-06-01", &format!("--apply={digest}")]);
    assert_eq!(report["rows_removed"], 5, "{report}");
    let proof = &report["items"][0];
    assert_eq!(
        (&proof["before"], &proof["after"]),
        (&json!(5), &json!(0)),
        "{report}"
    );
    assert_eq!((world.count(&table), world.partitions(&table)), (4, 1));
    let (code, said) = world.code(&["run", "--cutoff=2024-06-01", "--yes"]);
    assert!(
        code == 0 && said.contains("no data is old enough"),
        "{code} {said}"
    );
    // The last partition stays unless that is wanted.
    world.json(&["run", "--cutoff=2024-12-31", "--yes"]);
    assert_eq!(world.count(&table), 4);
    world.json(&["run", "--cutoff=2024-12-31", "--min-keep=0", "--yes"]);
    assert_eq!((world.count(&table), world.partitions(&table)), (0, 0));
    let history = world.json(&["history"]);
    let entries = history["entries"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|it| (&it["action"], &it["rows"], &it["error"]))
        .collect();
    let dropped = json!("drop partition");
    assert_eq!(
        told,
        [
            (&dropped, &json!(4), &Value::Null),
            (&dropped, &json!(5), &Value::Null),
            (&json!("added"), &Value::Null, &Value::Null)
        ],
        "{history}"
    );
    world.finish();
}

#[test]
fn rows_go_by_their_time_in_any_table() {
    let world = World::new("delete");
    let table = world.sensor_readings();
    let (code, said) = world.code(&["add", &format!("{table}:time_month delete 365d")]);
    assert_eq!(code, 0, "{said}");
    // The month of a row is older than the row.
    let (code, said) = world.code(&["plan", "--cutoff=2024-05-15"]);
    assert!(code == 2 && said.contains("delete rows by time"), "{code} {said}");
    world.json(&["policy", "edit", &table, "--column=time"]);
    let report = world.json(&["run", "--cutoff=2024-05-15", "--yes"]);
    assert_eq!(report["rows_removed"], 3, "{report}");
    assert_eq!((world.count(&table), world.partitions(&table)), (6, 2));
    // A floor counts what would go.
    let (code, said) = world.code(&["run", "--cutoff=2024-06-10", "--max-rows=1", "--yes"]);
    assert!(code == 4 && said.contains("max_rows 1"), "{code} {said}");

    let plain = "data_delete.events";
    world.sql(&format!("DROP TABLE IF EXISTS {plain}"));
    world.sql(&format!("CREATE TABLE {plain} (n BIGINT, \"At\" TIMESTAMP WITHOUT TIME ZONE) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)"));
    world.sql(&format!(
        "INSERT INTO {plain} (n, \"At\") VALUES (1, '2024-01-01T00:00:00'), (2, '2024-01-01T23:59:59.999'), (3, '2024-01-02T00:00:00'), (4, NULL)"
    ));
    world.json(&["ttl", plain, "1d"]);
    let policy = format!("--policy={plain}");
    let report = world.json(&["run", "--cutoff=2024-01-03", &policy, "--yes"]);
    assert_eq!(
        (&report["rows_removed"], world.count(plain)),
        (&json!(2), 2),
        "{report}"
    );
    world.finish();
}

#[test]
fn whoever_is_killed_goes_on_and_nobody_writes_meanwhile() {
    let world = World::new("killed");
    let run = ["run", "--cutoff=2024-06-01", "--yes"];
    for at in [
        "before:block writes",
        "after:block writes",
        "after:count",
        "after:drop",
    ] {
        let table = world.sensor_readings();
        world.json(&["ttl", &format!("{table}:time_month drop 365d")]);
        world.killed(at, &run);
        if at == "after:count" {
            let (status, answer) = world.crate_db.try_sql(&format!(
                "INSERT INTO {table} (time, sensor) VALUES ('2023-05-10', 'late')"
            ));
            assert_eq!(
                (status, &answer["error"]["code"]),
                (403, &json!(4035)),
                "{answer}"
            );
        }
        let (code, said) = world.resume();
        assert_eq!(code, 0, "{at}: {said}");
        assert_eq!((world.count(&table), world.partitions(&table)), (4, 1), "{at}");
    }
    world.finish();
}

#[test]
fn a_partition_that_came_after_the_plan_is_another_one() {
    let world = World::new("another");
    let table = world.sensor_readings();
    world.json(&["add", &format!("{table}:time_month drop 365d")]);
    world.killed("before:drop", &["run", "--cutoff=2024-06-01", "--yes"]);
    world.sql(&format!("DELETE FROM {table} WHERE time_month = 1682899200000"));
    world.sql(&format!(
        "INSERT INTO {table} (time, sensor) VALUES ('2023-05-10', 'late')"
    ));
    let (code, said) = world.resume();
    assert_eq!((code, world.count(&table)), (0, 5), "{said}");
    world.finish();
}

#[test]
fn two_runners_exclude_each_other_and_who_lost_the_lease_removes_nothing() {
    let world = World::new("lease");
    let table = world.sensor_readings();
    world.json(&["add", &format!("{table}:time_month drop 365d")]);
    let take = |owner: &str, until: &str| {
        world.sql("DELETE FROM ext_lease.retention_lease WHERE name = 'runner'");
        world.sql(&format!(
            "INSERT INTO ext_lease.retention_lease (name, owner, epoch, until) \
             VALUES ('runner', '{owner}', 7, CURRENT_TIMESTAMP {until} '1 hour'::INTERVAL)"
        ));
    };
    take("somebody", "+");
    let run = ["run", "--cutoff=2024-06-01", "--yes"];
    let (code, said) = world.code(&run);
    assert_eq!((code, world.count(&table)), (5, 9), "{said}");
    // Another one begins while this one sleeps, just before it drops.
    take("somebody", "-");
    world.killed("before:drop", &run);
    take("other", "+");
    let (code, said) = world.resume();
    assert_eq!((code, world.count(&table)), (5, 9), "{said}");
    // The other one is gone.
    take("other", "-");
    let (code, said) = world.resume();
    assert_eq!((code, world.count(&table)), (0, 4), "{said}");
    world.finish();
}

#[test]
fn the_table_of_cratedb_toolkit_is_read_and_upgraded_in_place() {
    let world = World::new("toolkit");
    let table = world.sensor_readings();
    world.sql(
        "CREATE TABLE ext_toolkit.retention_policy (id TEXT NOT NULL PRIMARY KEY, strategy TEXT NOT NULL, tags OBJECT(DYNAMIC), \
         table_schema TEXT, table_name TEXT, partition_column TEXT NOT NULL, retention_period INTEGER NOT NULL, \
         reallocation_attribute_name TEXT, reallocation_attribute_value TEXT, target_repository_name TEXT) CLUSTERED INTO 1 SHARDS",
    );
    world.sql(
        "INSERT INTO ext_toolkit.retention_policy (id, strategy, tags, table_schema, table_name, partition_column, retention_period) \
         VALUES ('5f2b', 'delete', {foo = 'true', bar = 'true'}, 'data_toolkit', 'sensor_readings', 'time_month', 365)",
    );
    let list = world.json(&["policy", "list"]);
    let policy = &list["policies"][0];
    assert_eq!(
        (
            &policy["name"],
            &policy["strategy"],
            &policy["keep"],
            &policy["tags"]
        ),
        (
            &json!(table),
            &json!("drop"),
            &json!("365d"),
            &json!(["bar", "foo"])
        ),
        "{list}"
    );
    // It compared starts: `check` says what differs.
    let (code, said) = world.code(&["policy", "check"]);
    assert!(code == 0 && said.contains("CrateDB Toolkit"), "{code} {said}");
    let plan = world.json(&[
        "plan",
        "--tags=foo,bar",
        "--cutoff=2024-05-15",
        "--partition-rule=start",
    ]);
    assert_eq!(plan["work"]["items"][0]["rows"], 5, "{plan}");
    let (code, said) = world.code(&["plan", "--tags=foo,unknown", "--quiet"]);
    assert_eq!(code, 7, "{said}");

    world.json(&["policy", "edit", &table, "--keep=400d"]);
    let rows = world.sql("SELECT id, strategy, version, policy['keep'] FROM ext_toolkit.retention_policy");
    assert_eq!(
        rows,
        [[json!("5f2b"), json!("ostler:drop"), json!(1), json!("400d")]]
    );
    let list = world.json(&["policy", "list"]);
    assert_eq!(list["policies"][0]["keep"], "400d", "{list}");
    assert_eq!(list["policies"].as_array().unwrap().len(), 1);
    let (code, said) = world.code(&["policy", "edit", &table, "--keep=1d", "--if-version=0"]);
    assert_ne!(code, 0, "{said}");
    world.json(&["policy", "remove", &table]);
    let list = world.json(&["policy", "list"]);
    assert_eq!(list["policies"], json!([]), "{list}");
    world.finish();
}

#[test]
fn a_partition_goes_when_its_snapshot_is_whole_and_comes_back_from_it() {
    let world = World::new("snapshot");
    let table = world.sensor_readings();
    let policy = format!("{table}:time_month snapshot:cold_snapshot 365d");
    world.crate_db.try_sql("DROP REPOSITORY cold_snapshot");
    world.json(&["add", &policy]);
    let (code, said) = world.code(&["plan", "--cutoff=2024-06-01"]);
    assert!(
        code == 7 && said.contains("no repository cold_snapshot"),
        "{code} {said}"
    );
    world.sql("CREATE REPOSITORY cold_snapshot TYPE fs WITH (location = '/tmp/snapshots/cold_snapshot')");
    let run = ["run", "--cutoff=2024-06-01", "--yes"];
    for at in ["before:snapshot", "after:snapshot"] {
        world.killed(at, &run);
        assert_eq!(world.count(&table), 9, "{at}");
        let (code, said) = world.resume();
        assert!(
            code == 0 && said.contains("kept in snapshot cold_snapshot.ostler-"),
            "{at}: {said}"
        );
        assert_eq!((world.count(&table), world.partitions(&table)), (4, 1), "{at}");
        let operation = world.ostler.json(["operation", "list"])["operations"][0]["id"].clone();
        let operation = operation.as_str().unwrap();
        let found = world.sql(&format!(
            "SELECT name FROM sys.snapshots WHERE repository = 'cold_snapshot' AND state = 'SUCCESS' AND name LIKE '%{operation}'"
        ));
        let name = found[0][0].as_str().unwrap();
        world.sql(&format!(
            "RESTORE SNAPSHOT cold_snapshot.\"{name}\" TABLE {table} PARTITION (time_month = 1682899200000) WITH (wait_for_completion = true)"
        ));
        assert_eq!(world.count(&table), 9, "{at}");
        // As it was when it was kept: without writes.
        world.sql(&format!(
            "ALTER TABLE {table} PARTITION (time_month = 1682899200000) SET (\"blocks.write\" = false)"
        ));
    }
    world.finish();
}

#[test]
fn a_partition_moves_to_the_nodes_that_are_wanted_and_stays() {
    let world = World::new("reallocate");
    let nodes =
        world.sql("SELECT DISTINCT attributes['storage'] FROM sys.nodes ORDER BY attributes['storage']");
    if nodes != [[json!("hot")], [json!("warm")]] {
        eprintln!("SKIPPED: this needs a CrateDB of two nodes, hot and warm; there are {nodes:?}");
        return;
    }
    let table = world.sensor_readings();
    world.sql(&format!(
        "ALTER TABLE {table} SET (\"routing.allocation.require.storage\" = 'hot')"
    ));
    world.json(&["add", &format!("{table}:time_month reallocate:storage=cold 365d")]);
    let (code, said) = world.code(&["policy", "check"]);
    assert!(
        code == 3 && said.contains("no node has the attribute storage=cold"),
        "{code} {said}"
    );
    // A class of storage that says nothing for databases, and none at all, are refused; one that does is as good as the attribute.
    let edit = |target: &str| world.json(&["policy", "edit", &table, &format!("--target={target}")]);
    world.ostler.configure(
        "version = 1\n[class.cold]\nlocation = \"/srv/cold\"\n[class.warm]\nattribute = \"storage=warm\"\n",
    );
    for (target, reason) in [
        ("cold", "has no `attribute`"),
        ("tepid", "is no class of storage"),
    ] {
        edit(target);
        let (code, said) = world.code(&["policy", "check"]);
        assert!(code == 3 && said.contains(reason), "{code} {said}");
    }
    edit("warm");
    let run = ["run", "--cutoff=2024-06-01", "--yes"];
    world.killed("after:require", &run);
    let (code, said) = world.resume();
    assert!(
        code == 0 && said.contains("on nodes with storage=warm"),
        "{code} {said}"
    );
    let places = world.sql(
        "SELECT DISTINCT n.attributes['storage'] FROM sys.shards s JOIN sys.nodes n ON s.node['id'] = n.id \
         JOIN information_schema.table_partitions p ON p.partition_ident = s.partition_ident AND p.table_name = s.table_name \
         AND p.table_schema = s.schema_name WHERE s.schema_name = 'data_reallocate' AND p.values['time_month'] = 1682899200000"
    );
    assert_eq!(places, [[json!("warm")]]);
    assert_eq!(world.count(&table), 9);
    // A second run does nothing.
    let (code, said) = world.code(&run);
    assert!(
        code == 0 && said.contains("no data is old enough"),
        "{code} {said}"
    );
    world.finish();
}
