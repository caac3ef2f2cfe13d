//! Archives of CrateDB: nothing goes that was not read back, everything can be brought back. On the server that
//! `OSTLER_TEST_CRATEDB` names, else by what was recorded of one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cratedb_world::World;

/// Columns of every type that a table can have and an archive can keep.
const COLUMNS: &str = "at TIMESTAMP WITH TIME ZONE NOT NULL, n INTEGER, ts TIMESTAMP WITHOUT TIME ZONE, yes BOOLEAN, tiny \"char\", \
    small SMALLINT, big BIGINT, r REAL, d DOUBLE PRECISION, num NUMERIC(30, 10), t TEXT, v VARCHAR(9), c CHARACTER(5), ip IP, u UUID, \
    bits BIT(4), o OBJECT(DYNAMIC), st OBJECT(STRICT) AS (x DOUBLE PRECISION, y ARRAY(REAL), t TIMESTAMP), ig OBJECT(IGNORED), \
    ab ARRAY(BIGINT), ad ARRAY(DOUBLE PRECISION), an ARRAY(NUMERIC(20, 3)), aa ARRAY(ARRAY(DOUBLE PRECISION)), att ARRAY(TEXT), abi ARRAY(BIT(2)), \
    ats ARRAY(TIMESTAMP), ao ARRAY(OBJECT), ash ARRAY(GEO_SHAPE), g GEO_POINT, gs GEO_SHAPE, fv FLOAT_VECTOR(3), \
    gen BIGINT GENERATED ALWAYS AS big * 2, def INTEGER DEFAULT 7, \"Odd \"\"name\" TEXT";

/// Edges of them; every other row has nulls, and several have the same time.
const ROWS: &str = "(at, n, ts, yes, tiny, small, big, r, d, num, t, v, c, ip, u, bits, o, st, ig, ab, ad, an, aa, att, abi, ats, ao, ash, g, gs, fv, def, \"Odd \"\"name\") VALUES \
    ('2024-01-01T00:00:00.123Z', 1, '2262-04-12', true, -3, -4, 9007199254740993, 1.1, 0.1, 12345678901234567890.0123456789, 'x''ä\\ \"', \
     'v', 'c', '::1', '018f7c1f-a67b-7000-8000-000000000001', B'0110', {b = 1, a = [1, 2], z = {q = 1.10, k = NULL}, long = 9223372036854775806}, \
     {y = [1.1, 2.5], x = 1e300, t = '2024-01-01'}, {\"Zz\" = 'y', n = 1234567890123456789, f = 1.0, e = []}, [1, NULL, 9007199254740993], \
     [0.1, 1e300, NULL], [1.125, 2], [[0.1], [], NULL], ['a', NULL, '\"'], [B'01', NULL], ['2024-01-01', NULL], [{a = 1}, {b = 2.50}], \
     ['POINT (30.123456789012345 1)'], [9.7, 47.4], 'POLYGON ((30.123456789012345 10, 40 40, 20 40, 30.123456789012345 10))', [1.1, 2.2, 3.3], NULL, 'odd')";

fn types(world: &World) -> String {
    let table = format!("data_{}.kinds", world.name);
    world.sql(&format!("DROP TABLE IF EXISTS {table}"));
    world.sql(&format!(
        "CREATE TABLE {table} ({COLUMNS}, month TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('month', at)) \
         CLUSTERED INTO 2 SHARDS PARTITIONED BY (month) WITH (number_of_replicas = 0)"
    ));
    world.sql(&format!("INSERT INTO {table} {ROWS}"));
    world.sql(&format!(
        "INSERT INTO {table} (at, n, r, d, ad, o, t, ab) VALUES ('2024-01-01T00:00:00.123Z', 2, 'NaN', '-Infinity', ['NaN'], {{}}, '', [])"
    ));
    world.sql(&format!(
        "INSERT INTO {table} (at, n, r, d, g, big) VALUES ('2024-01-31T23:59:59.999Z', 3, 1e-45, 5e-324, [0.1, 1e-300], -4611686018427387903)"
    ));
    // The same row twice, and a month that stays.
    world.sql(&format!(
        "INSERT INTO {table} (at, n) VALUES ('2024-01-02', 4), ('2024-01-02', 4), ('2024-02-02', 5)"
    ));
    table
}

/// Everything that is there, numbers to the last digit. With an order and a limit the server answers what is stored; without, points are as its index has them.
fn all(world: &World, table: &str) -> Vec<Vec<Value>> {
    world.sql(&format!("REFRESH TABLE {table}"));
    world.sql(&format!(
        "SELECT *, r::TEXT, d::TEXT, num::TEXT, o::TEXT, st::TEXT, ig::TEXT, ad::ARRAY(TEXT), an::ARRAY(TEXT), \
         longitude(g)::TEXT, latitude(g)::TEXT, (gs::OBJECT)::TEXT FROM {table} ORDER BY n, at LIMIT 100"
    ))
}

fn shelf(world: &World) -> PathBuf {
    world.ostler.home().join("shelf")
}

/// A class that stands for the shelf, so that no recording has the path of a test's home.
fn class(world: &World) {
    let location = shelf(world);
    let location = location.display();
    world
        .ostler
        .configure(&format!("version = 1\n[class.cold]\nlocation = \"{location}\"\n"));
}

fn archive(world: &World, place: &str) {
    class(world);
    world.json(&["add", &format!("{place} archive:cold 30d")]);
}

/// All files below a directory that end so.
fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_str().unwrap().ends_with(end) {
            found.push(path);
        }
    }
    found
}

const RUN: [&str; 3] = ["run", "--cutoff=2024-03-02", "--yes"];

#[test]
fn a_partition_of_every_type_is_archived_and_comes_back_as_it_was() {
    let world = World::new("archive");
    let table = types(&world);
    let before = all(&world, &table);
    archive(&world, &format!("{table}:month"));
    let plan = world.json(&["plan", "--cutoff=2024-03-02", "--explain"]);
    let said = plan.to_string();
    assert!(
        said.contains("blocks.write") && said.contains("ORDER BY"),
        "{said}"
    );
    let report = world.json(&RUN);
    assert_eq!(report["rows_removed"], 5, "{report}");
    assert_eq!((world.count(&table), world.partitions(&table)), (1, 1));
    let archived = &report["items"][0]["archive"];
    assert!(archived["tally"].as_str().unwrap().starts_with("5:"), "{report}");
    assert!(
        shelf(&world)
            .join(archived["manifest"].as_str().unwrap())
            .is_file()
    );
    assert_eq!(files(&shelf(&world), ".parquet").len(), 3);
    // One day first.
    let part = world.json(&["undo", &table, "--since=2024-01-02", "--until=2024-01-03"]);
    assert_eq!(part["rows_added"], 2, "{part}");
    let undone = world.json(&["undo", &table]);
    assert_eq!(undone["rows_added"], 3, "{undone}");
    assert_eq!(
        (all(&world, &table), world.partitions(&table)),
        (before.clone(), 2)
    );
    // Nothing comes back twice.
    let again = world.json(&["undo", &table]);
    assert_eq!(
        (&again["rows_added"], all(&world, &table)),
        (&json!(0), before),
        "{again}"
    );
    world.finish();
}

#[test]
fn rows_go_only_as_they_were_archived() {
    let world = World::new("archive_rows");
    for (name, key) in [("keyed", "PRIMARY KEY"), ("plain", "")] {
        let table = format!("data_archive_rows.{name}");
        world.sql(&format!("DROP TABLE IF EXISTS {table}"));
        world.sql(&format!(
            "CREATE TABLE {table} (n BIGINT {key}, at TIMESTAMP WITH TIME ZONE, t TEXT) CLUSTERED INTO 1 SHARDS WITH (number_of_replicas = 0)"
        ));
        world.sql(&format!(
            "INSERT INTO {table} (n, at, t) SELECT g, 1704067200000 + g * 3600000, 'row' FROM generate_series(1, 40) AS s (g)"
        ));
        world.sql(&format!(
            "INSERT INTO {table} (n, at, t) VALUES (50, NULL, 'no time'), (51, '2024-03-01', 'young')"
        ));
        world.sql(&format!("REFRESH TABLE {table}"));
        archive(&world, &format!("{table}:at"));
        let policy = format!("--policy={table}");
        let run = ["run", "--cutoff=2024-03-02", "--yes", &policy];
        world.killed("after:read back", &run);
        world.sql(&format!("UPDATE {table} SET t = 'changed' WHERE n = 7"));
        world.sql(&format!(
            "INSERT INTO {table} (n, at, t) VALUES (52, '2024-01-01T12:30', 'late')"
        ));
        let (code, said) = world.resume();
        assert!(
            code == 3
                && said.contains(
                    "2 rows changed after they were archived, or came since, and stay: 2024-01-01 07:00:00+00"
                ),
            "{code} {said}"
        );
        assert_eq!(world.count(&table), 4, "{said}");
        let left = world.sql(&format!("SELECT n, t FROM {table} ORDER BY n"));
        let names: Vec<&Value> = left.iter().map(|row| &row[1]).collect();
        assert_eq!(names, ["changed", "no time", "young", "late"], "{name}");
        // The next run takes both.
        let report = world.json(&run);
        assert_eq!(
            (&report["rows_removed"], world.count(&table)),
            (&json!(2), 2),
            "{report}"
        );
        // The row that changed is in two archives: by its key one of them is refused, without one both come back.
        let (code, said) = world.code(&["undo", &table]);
        match name {
            "keyed" => assert!(code == 3 && said.contains("DuplicateKey"), "{code} {said}"),
            _ => assert_eq!(code, 0, "{said}"),
        }
        assert_eq!(
            world.count(&table),
            if name == "keyed" { 43 } else { 44 },
            "{said}"
        );
        let (_, said) = world.code(&["undo", &table]);
        assert_eq!(
            world.count(&table),
            if name == "keyed" { 43 } else { 44 },
            "{said}"
        );
    }
    world.finish();
}

#[test]
fn an_archive_that_is_killed_goes_on_to_the_same_end() {
    let world = World::new("archive_killed");
    class(&world);
    let run = ["run", "--cutoff=2024-06-01", "--yes"];
    for at in [
        "before:archive",
        "after:archive",
        "after:read back",
        "before:drop",
        "after:drop",
    ] {
        let table = world.sensor_readings();
        world.json(&["ttl", &format!("{table}:time_month archive:cold 365d")]);
        let before = world.sql(&format!("SELECT * FROM {table} ORDER BY time"));
        world.killed(at, &run);
        let (code, said) = world.resume();
        assert_eq!(code, 0, "{at}: {said}");
        assert_eq!((world.count(&table), world.partitions(&table)), (4, 1), "{at}");
        world.killed("after:bring back", &["undo", &table]);
        let (code, said) = world.resume();
        assert_eq!((code, world.count(&table)), (0, 9), "{at}: {said}");
        let again = world.json(&["undo", &table]);
        assert_eq!(again["rows_added"], 0, "{at}: {again}");
        let after = world.sql(&format!("SELECT * FROM {table} ORDER BY time"));
        assert_eq!(after, before, "{at}");
    }
    world.finish();
}

#[test]
fn what_is_damaged_or_written_meanwhile_or_of_an_odd_type_stays() {
    let world = World::new("archive_stays");
    let table = world.sensor_readings();
    archive(&world, &format!("{table}:time_month"));
    let run = ["run", "--cutoff=2024-06-01", "--yes"];
    let takes_rows = || {
        let insert = format!("INSERT INTO {table} (time, sensor) VALUES ('2023-05-10', 'late')");
        assert_eq!(world.crate_db.try_sql(&insert).0, 200);
        world.sql(&format!("REFRESH TABLE {table}"));
        world.sql(&format!("DELETE FROM {table} WHERE sensor = 'late'"));
    };
    // An object that changes in the store.
    world.killed("after:archive", &run);
    for file in files(&shelf(&world), ".parquet") {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
    }
    let (code, said) = world.resume();
    assert!(
        code == 3 && said.contains("is damaged") && said.contains("it takes rows again"),
        "{code} {said}"
    );
    assert_eq!(world.count(&table), 9);
    takes_rows();
    assert_eq!(files(&shelf(&world), ".json"), Vec::<PathBuf>::new());
    // Somebody who lets writes through, and changes a row: as many as before.
    world.killed("before:drop", &run);
    world.sql(&format!(
        "ALTER TABLE {table} PARTITION (time_month = 1682899200000) SET (\"blocks.write\" = false)"
    ));
    world.sql(&format!(
        "UPDATE {table} SET battery = 2 WHERE time = '2023-05-08'"
    ));
    let (code, said) = world.resume();
    assert!(
        code == 3 && said.contains("rows were written after they were archived"),
        "{code} {said}"
    );
    assert_eq!(world.count(&table), 9);
    assert_eq!(files(&shelf(&world), ".json"), Vec::<PathBuf>::new());
    // A column that cannot be kept exactly.
    world.sql(&format!("ALTER TABLE {table} ADD COLUMN places ARRAY(GEO_POINT)"));
    let (code, said) = world.code(&run);
    assert!(
        code == 3 && said.contains("column places is of type geo_point_array"),
        "{code} {said}"
    );
    assert_eq!(world.count(&table), 9);
    takes_rows();
    world.finish();
}
