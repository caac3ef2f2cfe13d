//! Work on tables of CrateDB besides ageing: materialised tables, statements, erasure, and the newest rows of each key. On the
//! server that `OSTLER_TEST_CRATEDB` names, else by what was recorded of one.

use serde_json::{Value, json};

use crate::cratedb_world::World;

fn world(name: &'static str) -> World {
    let world = World::new(name);
    world.sql(&format!("DROP TABLE IF EXISTS ext_{name}.retention_definition"));
    for table in ["daily", "daily_ostler_new"] {
        world.sql(&format!("DROP TABLE IF EXISTS data_{name}.{table}"));
    }
    world
}

impl World {
    fn of(&self, noun: &str, words: &[&str]) -> Value {
        self.ostler.json(self.words_of(noun, words))
    }

    fn code_of(&self, noun: &str, words: &[&str]) -> (i32, String) {
        let output = self.ostler.run(self.words_of(noun, words));
        (
            output.status.code().unwrap_or(-1),
            ostler_testkit::binary::said(&output),
        )
    }

    /// What the audit of the cluster has, newest first: action, name, rows, and what went wrong.
    fn audit(&self) -> Vec<(String, String, Option<u64>, Option<String>)> {
        let history = self.json(&["history"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let entries = history["entries"].as_array().unwrap().iter();
        entries
            .map(|it| {
                let (action, name) = (text(&it["action"]).unwrap(), text(&it["policy"]).unwrap());
                (action, name, it["rows"].as_u64(), text(&it["error"]))
            })
            .collect()
    }
}

fn holds(report: &Value) {
    for item in report["items"].as_array().unwrap() {
        assert_eq!(item["problem"], Value::Null, "{report}");
        for evidence in item["evidence"].as_array().unwrap() {
            assert_eq!(evidence["holds"], true, "{report}");
        }
    }
}

#[test]
fn a_materialised_table_is_swapped_in_and_keeps_what_it_was_given() {
    let world = world("materialize");
    let readings = world.sensor_readings();
    let daily = "data_materialize.daily";
    let query = format!(
        "SELECT date_trunc('day', time) AS day, count(*) AS n FROM {readings} GROUP BY date_trunc('day', time);"
    );
    let create = |column: &str| {
        let column = format!("--column={column}");
        world.code_of(
            "materialize",
            &["create", "daily", &query, &column, "--table", daily],
        )
    };
    // What the query does not have is refused, and nothing stays of it.
    let (code, said) = create("n");
    assert!(
        code == 2 && said.contains("no column n that tells a time"),
        "{code} {said}"
    );
    let (code, said) = create("day");
    assert_eq!(code, 0, "{said}");
    // Shards, settings, keys and rights are the user's, and stay.
    world.sql(&format!("DROP TABLE {daily}"));
    world.sql(&format!(
        "CREATE TABLE {daily} (day TIMESTAMP WITH TIME ZONE, n BIGINT NOT NULL, PRIMARY KEY (day)) CLUSTERED INTO 3 SHARDS WITH (number_of_replicas = 0)"
    ));
    world.sql("DROP USER IF EXISTS reader_materialize");
    world.sql("CREATE USER reader_materialize");
    world.sql(&format!("GRANT DQL ON TABLE {daily} TO reader_materialize"));

    let report = world.of("materialize", &["refresh", "daily"]);
    holds(&report);
    assert_eq!((&report["rows"], world.count(daily)), (&json!(9), 9), "{report}");
    world.sql(&format!(
        "INSERT INTO {readings} (time, sensor) VALUES ('2023-05-01T05:00:00', 'b'), ('2023-06-26T05:00:00', 'b')"
    ));
    world.sql(&format!("REFRESH TABLE {readings}"));
    let sum = || {
        world.sql(&format!("REFRESH TABLE {daily}"));
        world.crate_db.number(&format!("SELECT sum(n) FROM {daily}"))
    };
    // A part of it only: the first days stay as they were.
    holds(&world.of("materialize", &["refresh", "daily", "--since=2023-06-01"]));
    assert_eq!(sum(), 10);
    // Who is killed at any step goes on, and leaves nothing behind.
    for at in [
        "before:make",
        "after:make",
        "before:swap",
        "after:swap",
        "after:look",
    ] {
        world.killed_of("materialize", at, &["refresh", "daily"]);
        let (code, said) = world.resume();
        assert_eq!((code, sum()), (0, 11), "{at}: {said}");
        let tables = world.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'data_materialize' ORDER BY table_name");
        assert_eq!(tables, [[json!("daily")], [json!("sensor_readings")]], "{at}");
    }
    let shown = world.sql(&format!("SHOW CREATE TABLE {daily}"));
    let shown = shown[0][0].as_str().unwrap();
    for kept in [
        "PRIMARY KEY (\"day\")",
        "NOT NULL",
        "CLUSTERED BY (\"day\") INTO 3 SHARDS",
        "number_of_replicas = '0'",
    ] {
        assert!(shown.contains(kept), "{kept}: {shown}");
    }
    let rights = world.sql("SELECT type, ident FROM sys.privileges WHERE grantee = 'reader_materialize'");
    assert_eq!(rights, [[json!("DQL"), json!(daily)]]);

    // The server leaves out rows that the table cannot take and says nothing of it; we do, and the old table stays.
    world.sql(&format!("DROP TABLE {daily}"));
    world.sql(&format!(
        "CREATE TABLE {daily} (day TIMESTAMP WITH TIME ZONE, n BIGINT CHECK (n < 2)) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)"
    ));
    let (code, said) = world.code_of("materialize", &["refresh", "daily"]);
    assert!(
        code == 3 && said.contains("the server took 7 rows of 9"),
        "{code} {said}"
    );
    assert_eq!(world.count(daily), 0);
    let gone = world.of("materialize", &["drop", "daily"]);
    assert_eq!(gone["objects"], json!([format!("table {daily}")]), "{gone}");
    let list = world.of("materialize", &["list"]);
    assert_eq!(list["definitions"], json!([]), "{list}");
    let audit = world.audit();
    let told: Vec<&str> = audit.iter().map(|entry| entry.0.as_str()).collect();
    assert_eq!(
        (told[0], told[1], told[told.len() - 1], told[told.len() - 2]),
        (
            "materialized removed",
            "materialize",
            "materialized added",
            "materialized added"
        ),
        "{audit:?}"
    );
    assert!(
        audit[1]
            .3
            .as_ref()
            .is_some_and(|error| error.contains("7 rows of 9")),
        "{audit:?}"
    );
    world.finish();
}

#[test]
fn a_statement_runs_once_and_one_that_was_cut_off_is_not_run_again() {
    let world = world("query");
    let table = world.sensor_readings();
    world.of(
        "query",
        &[
            "add",
            "mend",
            &format!("UPDATE {table} SET battery = :level WHERE sensor = :who"),
        ],
    );
    let run = ["run", "mend", "--param=level=7", "--param=who=a"];
    let report = world.of("query", &run);
    holds(&report);
    assert_eq!(report["rows"], 9, "{report}");
    let (code, said) = world.code_of("query", &["run", &format!("SELECT nonsense FROM {table}")]);
    assert!(code == 7 && said.contains("nonsense"), "{code} {said}");
    // What it says is wrong is in the report and in the audit.
    let (code, said) = world.code_of(
        "query",
        &[
            "run",
            &format!("UPDATE {table} SET nonsense['a'] = 1 WHERE sensor = 'zzz'"),
        ],
    );
    assert!(code == 3 && said.contains("nonsense"), "{code} {said}");
    let wrong = world.audit().remove(0);
    assert!(wrong.3.is_some_and(|error| error.contains("nonsense")));
    world.killed_of("query", "after:run", &run);
    let (code, said) = world.resume();
    assert_eq!(code, 0, "{said}");
    // It ran, and nobody learnt it: this is not known when it is resumed.
    world.killed_of("query", "before:run", &run);
    let operation = world.ostler.json(["operation", "list"])["operations"][0]["id"].clone();
    let operation = operation.as_str().unwrap();
    world.sql(&format!(
        "INSERT INTO ext_query.retention_audit (id, at, who, action, policy, item, error, operation) \
         VALUES ('{operation} mend', CURRENT_TIMESTAMP, 'crate', 'run statement', 'mend', 'mend', 'it is not known whether this was made', '{operation}')"
    ));
    let (code, said) = world.resume();
    assert!(
        code == 3 && said.contains("not known whether the statement ran"),
        "{code} {said}"
    );
    let audit = world.audit();
    let rows: Vec<Option<u64>> = audit
        .iter()
        .filter(|entry| entry.0 == "run statement")
        .map(|entry| entry.2)
        .collect();
    assert_eq!(
        rows.iter().filter(|rows| **rows == Some(9)).count(),
        2,
        "{audit:?}"
    );
    let gone = world.of("query", &["remove", "mend"]);
    assert_eq!(gone["action"], "removed", "{gone}");
    world.finish();
}

#[test]
fn all_rows_of_a_subject_go_and_no_others() {
    let world = world("erase");
    let table = world.sensor_readings();
    let visits = "data_erase.visits";
    world.sql(&format!("DROP TABLE IF EXISTS {visits}"));
    world.sql(&format!("CREATE TABLE {visits} (who BIGINT, \"By Whom\" TEXT) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)"));
    world.sql(&format!("INSERT INTO {visits} (who, \"By Whom\") VALUES (42, '42'), (42, 'x'), (7, '42'), (8, 'y'), (NULL, NULL)"));
    world.sql(&format!(
        "INSERT INTO {table} (time, sensor) VALUES ('2023-05-02', '42')"
    ));
    let by_number = format!("--of={visits}:who");
    let by_name = format!("--of={visits}:\"By Whom\"");
    let by_sensor = format!("--of={table}:sensor");
    let erase = ["erase", "42", &by_number, &by_name, &by_sensor];
    let (code, said) = world.code(&["erase", "nobody", &by_sensor, "--yes"]);
    assert!(
        code == 7 && said.contains("belongs to this subject"),
        "{code} {said}"
    );
    let plan = world.json(&[&erase[..], &["--dry-run"]].concat());
    let rows: Vec<&Value> = plan["work"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["rows"])
        .collect();
    assert_eq!(rows, [&json!(2), &json!(2), &json!(1), &Value::Null], "{plan}");
    world.killed("after:erase", &[&erase[..], &["--yes"]].concat());
    let (code, said) = world.resume();
    assert_eq!(
        (code, world.count(visits), world.count(&table)),
        (0, 2, 9),
        "{said}"
    );
    let (code, said) = world.code(&[&erase[..], &["--yes"]].concat());
    assert_eq!(code, 7, "{said}");
    let audit = world.audit();
    assert_eq!(audit.len(), 4, "{audit:?}");
    assert!(
        audit
            .iter()
            .all(|entry| entry.3.is_none() && !format!("{entry:?}").contains("42")),
        "{audit:?}"
    );
    world.finish();
}

#[test]
fn the_newest_rows_of_each_key_stay() {
    let world = world("keep_last");
    let table = "data_keep_last.states";
    world.sql(&format!("DROP TABLE IF EXISTS {table}"));
    world.sql(&format!(
        "CREATE TABLE {table} (\"At\" TIMESTAMP WITH TIME ZONE, host TEXT, n BIGINT) CLUSTERED INTO 2 SHARDS WITH (number_of_replicas = 0)"
    ));
    // Ten of each of three hosts, one more at the same time as the newest, and one without a time.
    world.sql(&format!(
        "INSERT INTO {table} (\"At\", host, n) SELECT '2024-01-01'::TIMESTAMP + (a || ' hours')::INTERVAL, 'h' || a % 3, a FROM generate_series(1, 30) AS g (a)"
    ));
    world.sql(&format!(
        "INSERT INTO {table} (\"At\", host, n) VALUES ('2024-01-02T06:00:00', 'h0', 31), (NULL, 'h0', 32)"
    ));
    world.sql(&format!("REFRESH TABLE {table}"));
    world.json(&[
        "add",
        &format!("{table}:\"At\" keep-last 1h"),
        "--last=2",
        "--by=host",
        "--name=newest",
    ]);
    let plan = world.json(&["plan", "--cutoff=2024-02-01"]);
    assert_eq!(plan["work"]["items"][0]["rows"], 25, "{plan}");
    // None of those that are younger than the policy says.
    let some = world.json(&["plan", "--cutoff=2024-01-01T05:00:00Z"]);
    assert_eq!(some["work"]["items"][0]["rows"], 3, "{some}");
    world.killed("after:delete", &["run", "--cutoff=2024-02-01", "--yes"]);
    let (code, said) = world.resume();
    assert_eq!((code, world.count(table)), (0, 7), "{said}");
    let left = world.sql(&format!(
        "SELECT host, n FROM {table} WHERE \"At\" IS NOT NULL ORDER BY host, n"
    ));
    let hosts: Vec<&Value> = left.iter().map(|row| &row[0]).collect();
    let numbers: Vec<&Value> = left.iter().map(|row| &row[1]).collect();
    assert_eq!(hosts, ["h0", "h0", "h1", "h1", "h2", "h2"]);
    assert_eq!(numbers, [30, 31, 25, 28, 26, 29], "{left:?}");
    let (code, said) = world.code(&["run", "--cutoff=2024-02-01", "--yes"]);
    assert!(
        code == 0 && said.contains("no data is old enough"),
        "{code} {said}"
    );
    world.finish();
}
