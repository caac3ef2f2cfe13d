//! Archives: nothing goes that was not read back, everything can be brought back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Moto, moto};
use serde_json::Value;

use crate::retention::World;

/// Columns of every kind, in six daily partitions with a gap, and in a table without partitions.
const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('calm', 'it''s \"odd\"');
    CREATE DOMAIN short AS varchar(9);
    CREATE TABLE days (at timestamptz NOT NULL, n int, big bigint, small smallint, yes boolean, r real, d float8, num numeric(30, 10),
        t text, c char(5), v short, b bytea, u uuid, j jsonb, js json, dt date, ts timestamp(3), iv interval, ip inet, a int[], m mood,
        ra tstzrange, \"Odd, \"\"name\"\"\" text, dropped int, gen int GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (at, n)) PARTITION BY RANGE (at);
    ALTER TABLE days DROP COLUMN dropped;
    DO $$ BEGIN FOR d IN 1..6 LOOP
        EXECUTE format('CREATE TABLE day_%s PARTITION OF days FOR VALUES FROM (%L) TO (%L)',
            d, '2024-01-01Z'::timestamptz + (d - 1) * interval '1 day', '2024-01-01Z'::timestamptz + d * interval '1 day');
    END LOOP; END $$;
    INSERT INTO days SELECT '2024-01-01Z'::timestamptz + n * interval '72 minutes', n, n::bigint << 40, -n, n % 2 = 0, n / 3.0, n / 7.0, n / 9.0,
        repeat('ä€\t\\', n % 4), 'x', 'v' || n, decode(md5(n::text), 'hex'), md5(n::text)::uuid, jsonb_build_object('n', n), '{ \"a\" :  1}',
        CASE n % 3 WHEN 0 THEN 'infinity' ELSE '1969-01-01'::date + n END, '-infinity', n * interval '1 month 1 day 1 second', '10.0.0.1/8',
        ARRAY[n, NULL], CASE n % 2 WHEN 0 THEN 'calm' ELSE 'it''s \"odd\"' END::mood, tstzrange(NULL, '2024-01-01Z'), NULL
        FROM generate_series(0, 119) n WHERE n NOT BETWEEN 25 AND 30;
    UPDATE days SET r = 'NaN', d = '-infinity', num = 'NaN', t = NULL, b = '' WHERE n = 3;
    CREATE TABLE plain (LIKE days INCLUDING GENERATED, id bigint GENERATED ALWAYS AS IDENTITY);
    INSERT INTO plain (at, n, big, t, d, m) SELECT at, n, big, t, d, m FROM days;
    INSERT INTO plain (at, n, big, t, d, m) SELECT at, n, big, t, d, m FROM days WHERE n < 3";

const RUN: &[&str] = &["run", "--cutoff=2024-01-05", "--yes"];

fn shelf(world: &World) -> PathBuf {
    world.ostler.home().join("shelf")
}

fn tables(world: &World, target: &str) {
    world.sql(TABLES);
    world.json(&["add", &format!("days:at archive:{target} 1d"), "--name=days"]);
    world.json(&["add", &format!("plain:at archive:{target} 1d"), "--name=plain"]);
}

/// Everything that is in both tables.
fn rows(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT 'days', days::text FROM days UNION ALL SELECT 'plain', plain::text FROM plain
         UNION ALL SELECT 'partition', relname || ' ' || pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r'
         ORDER BY 1, 2",
    )
}

fn left(world: &World) -> (i64, i64) {
    (
        world.number("SELECT count(*) FROM days"),
        world.number("SELECT count(*) FROM plain"),
    )
}

fn undo(world: &World, table: &str) -> Value {
    world.json(&["undo", table])
}

/// Kills the command at a step, and resumes it.
fn killed(world: &World, words: &[&str], order: &str, between: impl Fn()) -> Output {
    let mut command = world.command(words);
    command.env("OSTLER_TEST_KILL", order);
    let killed = command.output().unwrap();
    assert_eq!(killed.status.code(), None, "{order}: {}", said(&killed));
    between();
    let list = world.ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
    world.ostler.run(["operation", "resume", &id, "--output=json"])
}

#[test]
fn what_is_archived_goes_and_comes_back_as_it_was() {
    for release in Release::SUPPORTED {
        let Some(world) = World::new(release) else {
            continue;
        };
        tables(&world, shelf(&world).to_str().unwrap());
        let before = rows(&world);
        let report = world.json(RUN);
        assert_eq!(report["rows_removed"], 54 + 57, "{release:?} {report}");
        assert_eq!(left(&world), (60, 60), "{release:?}");
        let archive = &report["items"][0]["archive"];
        assert!(archive["tally"].as_str().unwrap().starts_with("20:"), "{report}");
        assert!(
            shelf(&world)
                .join(archive["manifest"].as_str().unwrap())
                .is_file()
        );
        // A part of a day first, by its time.
        let part = world.json(&["undo", "plain", "--since=2024-01-01T12:00Z", "--until=2024-01-02"]);
        assert_eq!(part["rows_added"], 10, "{part}");
        assert_eq!(undo(&world, "days")["rows_added"], 54);
        let rest = undo(&world, "plain");
        assert_eq!(rest["rows_added"], 47, "{rest}");
        assert_eq!(rows(&world), before, "{release:?}");
        // Nothing comes back twice.
        assert_eq!(undo(&world, "plain")["rows_added"], 0);
        assert_eq!(rows(&world), before, "{release:?}");
        // What came back goes again, into archives of its own.
        assert_eq!(world.json(RUN)["rows_removed"], 54 + 57);
        let dry = world.json(&["undo", "days", "--dry-run"]);
        assert_eq!(dry["work"]["items"].as_array().unwrap().len(), 6, "{dry}");
        assert_eq!(left(&world), (60, 60));
    }
}

#[test]
fn an_archive_that_is_killed_at_any_step_resumes_to_the_same_end() {
    let release = Release::Eighteen;
    let mut expected = None;
    for order in [
        "",
        "before:detach",
        "after:detach",
        "before:archive",
        "after:archive",
        "before:read back",
        "after:read back",
        "before:drop",
        "after:drop",
        "before:remove",
        "after:remove",
        "before:prove",
        "before:forget",
        "after:record",
    ] {
        let Some(world) = World::new(release) else { return };
        tables(&world, shelf(&world).to_str().unwrap());
        let before = rows(&world);
        if order.is_empty() {
            world.json(RUN);
        } else {
            let resumed = killed(&world, RUN, order, || {});
            assert_eq!(resumed.status.code(), Some(0), "{order}: {}", said(&resumed));
        }
        let state = (
            rows(&world),
            world.sql("SELECT item, rows::text FROM ext.retention_audit ORDER BY entry"),
        );
        assert_eq!(&state, expected.get_or_insert_with(|| state.clone()), "{order}");
        assert_eq!(
            world.number("SELECT count(*) FROM ext.retention_progress"),
            0,
            "{order}"
        );
        undo(&world, "days");
        undo(&world, "plain");
        assert_eq!(rows(&world), before, "{order}");
    }
}

#[test]
fn an_undo_that_is_killed_at_any_step_resumes_to_the_same_end() {
    for order in [
        "before:place",
        "after:place",
        "before:bring back",
        "after:bring back",
        "before:attach",
        "after:attach",
    ] {
        let Some(world) = World::new(Release::Fifteen) else {
            return;
        };
        tables(&world, shelf(&world).to_str().unwrap());
        let before = rows(&world);
        world.json(RUN);
        undo(&world, "plain");
        let resumed = killed(&world, &["undo", "days"], order, || {});
        assert_eq!(resumed.status.code(), Some(0), "{order}: {}", said(&resumed));
        assert_eq!(rows(&world), before, "{order}");
    }
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

#[test]
fn rows_whose_archive_is_damaged_stay_where_they_are() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    tables(&world, shelf(&world).to_str().unwrap());
    let before = rows(&world);
    let damage = || {
        for file in files(&shelf(&world), ".parquet") {
            let mut bytes = fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::remove_file(&file).unwrap();
            fs::write(&file, bytes).unwrap();
        }
    };
    let words = [RUN, &["--policy=days"]].concat();
    let resumed = killed(&world, &words, "after:archive:2", damage);
    let said = said(&resumed);
    assert_eq!(resumed.status.code(), Some(3), "{said}");
    assert!(
        said.contains("is damaged") && said.contains("it is attached again"),
        "{said}"
    );
    // The first was read back before it was damaged, the second was not, the third was made after that.
    assert_eq!(left(&world).0, 74 + 20 - 20, "{said}");
    let refused = world.run(&["undo", "days"]);
    assert_eq!(
        refused.status.code(),
        Some(3),
        "{}",
        ostler_testkit::binary::said(&refused)
    );
    assert_eq!(
        rows(&world).iter().filter(|row| before.contains(row)).count(),
        rows(&world).len()
    );
}

#[test]
fn rows_that_change_after_they_were_read_back_stay() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    tables(&world, shelf(&world).to_str().unwrap());
    let change = || {
        world.sql("UPDATE plain SET t = 'changed' WHERE n = 50; INSERT INTO plain (at, n) VALUES ('2024-01-03 12:00Z', -1)");
    };
    let words = [RUN, &["--policy=plain"]].concat();
    let resumed = killed(&world, &words, "after:read back", change);
    let report = said(&resumed);
    assert_eq!(resumed.status.code(), Some(3), "{report}");
    assert!(report.contains("changed after they were archived"), "{report}");
    // Of the day of the change nothing went, of the others everything.
    assert_eq!(
        world.number("SELECT count(*) FROM plain WHERE at < '2024-01-04Z'"),
        21
    );
    assert_eq!(
        world.number("SELECT count(*) FROM plain WHERE t = 'changed' OR n = -1"),
        2
    );
    // Somebody writes into a partition by its own name.
    let write = || {
        world.sql("INSERT INTO day_1 (at, n) VALUES ('2024-01-01 01:00Z', -1)");
    };
    let words = [RUN, &["--policy=days"]].concat();
    let resumed = killed(&world, &words, "after:read back", write);
    let report = said(&resumed);
    assert_eq!(resumed.status.code(), Some(3), "{report}");
    assert!(
        report.contains("21 rows by now") && report.contains("it is attached again"),
        "{report}"
    );
    assert_eq!(
        world.number("SELECT count(*) FROM days WHERE at < '2024-01-02Z'"),
        21
    );
    // The next run archives it as it is now.
    assert_eq!(world.json(&words)["rows_removed"], 21);
    assert_eq!(undo(&world, "days")["rows_added"], 55);
}

#[test]
fn an_archive_that_is_cancelled_leaves_its_partition_attached() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    tables(&world, shelf(&world).to_str().unwrap());
    let before = rows(&world);
    let mut command = world.command(&[RUN, &["--policy=days"]].concat());
    command.env("OSTLER_TEST_KILL", "after:archive");
    assert_eq!(command.output().unwrap().status.code(), None);
    assert_eq!(left(&world).0, 94);
    let list = world.ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
    let cancelled = world.ostler.run(["operation", "cancel", &id]);
    assert_eq!(rows(&world), before, "{}", said(&cancelled));
}

#[test]
fn archives_are_kept_in_s3_by_the_name_of_a_class() {
    let (Some(world), Some(service)) = (World::new(Release::Eighteen), moto()) else {
        return;
    };
    let config = world.ostler.home().join("config.toml");
    fs::write(
        &config,
        format!(
            "version = 1\n[vault.offsite]\nlocation = \"s3://{bucket}/vault\"\n[vault.offsite.s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\n\
             access_key = {{ env = \"ID\" }}\nsecret_key = {{ env = \"SECRET\" }}\n[class.cold]\nlocation = \"s3://{bucket}/cold\"\nas = \"offsite\"\n",
            service.endpoint(),
            bucket = Moto::BUCKET
        ),
    )
    .unwrap();
    let run = |words: &[&str]| {
        let config = format!("--config={}", config.display());
        let mut command = world.command(&[words, &[config.as_str(), "--output=json"]].concat());
        let output = command.env("ID", "id").env("SECRET", "secret").output().unwrap();
        (output.status.code(), said(&output))
    };
    world.sql(TABLES);
    let before = rows(&world);
    let (code, unknown) = run(&["add", "days:at archive:warm 1d"]);
    assert!(
        code == Some(7) && unknown.contains("there are: cold"),
        "{unknown}"
    );
    let (code, relative) = run(&["add", "days:at archive:some/where 1d"]);
    assert_eq!(code, Some(7), "{relative}");
    let (code, none) = run(&["add", "days:at archive 1d"]);
    assert_eq!(code, Some(2), "{none}");
    let (code, added) = run(&["add", "days:at archive:cold 1d", "--name=days"]);
    assert_eq!(code, Some(0), "{added}");
    let (code, report) = run(RUN);
    assert_eq!((code, left(&world).0), (Some(0), 60), "{report}");
    let (code, report) = run(&["undo", "days"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(rows(&world), before);
}

#[test]
fn references_to_tables_come_back_and_rows_of_heirs_are_not_archived_as_their_parent_s() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    std::fs::create_dir(shelf(&world)).unwrap();
    let target = shelf(&world).display().to_string();
    // 0, a table, one that is gone, and nothing.
    world.sql(
        "CREATE DOMAIN place AS regclass; CREATE TABLE gone ();
         CREATE TABLE refers (at timestamptz, n int, a regclass, b place);
         INSERT INTO refers SELECT '2024-01-01Z'::timestamptz + n * interval '1 hour', n, r, r
           FROM unnest(ARRAY[0, 'refers'::regclass::oid::int, 'gone'::regclass::oid::int, NULL]) WITH ORDINALITY AS it (r, n);
         DROP TABLE gone;
         CREATE TABLE parent (at timestamptz); CREATE TABLE child () INHERITS (parent);
         INSERT INTO child VALUES ('2020-01-01Z')",
    );
    let all = || world.sql("SELECT n, a::oid, b::oid FROM refers ORDER BY n");
    let before = all();
    world.json(&["add", &format!("refers:at archive:{target} 1d"), "--name=refers"]);
    let report = world.json(&["run", "--policy=refers", "--yes"]);
    assert_eq!(report["rows_removed"], 4, "{report}");
    assert!(all().is_empty());
    undo(&world, "refers");
    assert_eq!(all(), before);
    world.json(&["add", &format!("parent:at archive:{target} 1d"), "--name=parent"]);
    let (code, said) = world.code(&["run", "--policy=parent", "--yes"]);
    assert!(
        code != 0 && said.contains("inherit from public.parent"),
        "{code} {said}"
    );
    assert_eq!(world.number("SELECT count(*) FROM child"), 1);
    world.json(&["add", &format!("child:at archive:{target} 1d"), "--name=child"]);
    world.json(&["run", "--policy=child", "--yes"]);
    undo(&world, "child");
    assert_eq!(world.number("SELECT count(*) FROM ONLY child"), 1);
}
