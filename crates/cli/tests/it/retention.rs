//! Retention on real servers: what a plan says is what a run does, and nothing else.

use std::process::Output;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, shared_postgres};
use serde_json::Value;

/// A database with tables in it, and a home.
pub struct World {
    pub server: &'static Postgres,
    pub database: String,
    pub release: Release,
    pub ostler: Ostler,
}

impl World {
    pub fn new(release: Release) -> Option<Self> {
        let server = shared_postgres(release)?;
        Some(Self {
            database: server.database(),
            ostler: Ostler::new(env!("CARGO_BIN_EXE_ostler")),
            server,
            release,
        })
    }

    pub fn sql(&self, statements: &str) -> Vec<Vec<Option<String>>> {
        self.server.sql(&self.database, statements)
    }

    pub fn number(&self, statement: &str) -> i64 {
        self.sql(statement)[0][0].as_deref().unwrap().parse().unwrap()
    }

    fn words(&self, noun: &str, words: &[&str]) -> Vec<String> {
        let mut all = vec![noun.to_owned()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all.push(format!("--dsn={}", self.server.url(&self.database)));
        all
    }

    pub fn json(&self, words: &[&str]) -> Value {
        self.said("retention", words)
    }

    /// What a command of another noun says.
    pub fn said(&self, noun: &str, words: &[&str]) -> Value {
        self.ostler.json(self.words(noun, words))
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.ostler.run(self.words("retention", words))
    }

    pub fn command(&self, words: &[&str]) -> std::process::Command {
        self.command_of("retention", words)
    }

    pub fn command_of(&self, noun: &str, words: &[&str]) -> std::process::Command {
        self.ostler.command(self.words(noun, words))
    }

    /// Exit code and everything that was said.
    pub fn code(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        (output.status.code().unwrap_or(-1), said(&output))
    }

    /// May and June of 2023 by the month, a reading a week: 5 and 4 rows.
    pub fn sensor_readings(&self) {
        self.sql(
            "CREATE TABLE sensor_readings (time timestamptz NOT NULL, sensor text, battery float8) PARTITION BY RANGE (time);
             CREATE TABLE readings_05 PARTITION OF sensor_readings FOR VALUES FROM ('2023-05-01Z') TO ('2023-06-01Z');
             CREATE TABLE readings_06 PARTITION OF sensor_readings FOR VALUES FROM ('2023-06-01Z') TO ('2023-07-01Z');
             INSERT INTO sensor_readings SELECT t, 'a', 1
               FROM generate_series('2023-05-01 00:00Z'::timestamptz, '2023-06-30 00:00Z', '7 days') t",
        );
    }

    pub fn readings(&self) -> i64 {
        self.number("SELECT count(*) FROM sensor_readings")
    }
}

/// Runs on each release that can be had.
fn on_each(test: impl Fn(&World)) {
    for release in Release::SUPPORTED {
        if let Some(world) = World::new(release) {
            test(&world);
        }
    }
}

#[test]
fn what_a_plan_says_is_what_its_digest_runs() {
    on_each(|world| {
        world.sensor_readings();
        world.json(&["add", "public.sensor_readings:time drop 365d", "--tags=foo,bar"]);
        // The threshold is 2023-05-16: by their end, no month is old enough.
        let none = world.json(&["plan", "--cutoff=2024-05-15"]);
        assert_eq!(none["work"]["items"].as_array().unwrap().len(), 0, "{none}");
        assert_eq!(
            none["work"]["policies"][0]["threshold"], "2023-05-16T00:00:00Z",
            "{none}"
        );
        // By their start, May is; it has rows that are younger.
        let old = world.json(&["plan", "--cutoff=2024-05-15", "--partition-rule=start"]);
        assert_eq!(old["work"]["items"][0]["rows"], 5, "{old}");
        assert!(
            old["work"]["policies"][0]["notes"][0]
                .as_str()
                .unwrap()
                .contains("younger"),
            "{old}"
        );

        let (code, said) = world.code(&["run", "--cutoff=2024-06-01"]);
        assert_eq!((code, world.readings()), (4, 9), "{said}");
        let plan = world.json(&["plan", "--cutoff=2024-06-01", "--explain"]);
        let item = &plan["work"]["items"][0];
        assert_eq!(item["rows"], 5, "{plan}");
        assert_eq!(item["oldest"], "2023-05-01 00:00:00+00", "{plan}");
        assert_eq!(item["newest"], "2023-05-29 00:00:00+00", "{plan}");
        assert_eq!(
            plan["work"]["policies"][0]["partitions"]
                .as_array()
                .unwrap()
                .len(),
            2,
            "{plan}"
        );
        let digest = plan["digest"].as_str().unwrap();
        let other = format!("--apply={}", "0".repeat(16));
        let (code, said) = world.code(&["run", "--cutoff=2024-06-01", &other]);
        assert_eq!((code, world.readings()), (4, 9), "{said}");
        let report = world.json(&["run", "--cutoff=2024-06-01", &format!("--apply={digest}")]);
        assert_eq!(report["rows_removed"], 5, "{report}");
        assert_eq!(
            (&report["items"][0]["before"], &report["items"][0]["after"]),
            (&5.into(), &0.into())
        );
        assert_eq!(world.readings(), 4);
        assert_eq!(world.sql("SELECT to_regclass('readings_05')")[0][0], None);
        // Nothing is left to do, which is no error and said as such.
        let (code, said) = world.code(&["run", "--cutoff=2024-06-01", "--yes"]);
        assert!(
            code == 0 && said.contains("no data is old enough"),
            "{code} {said}"
        );
        // The last partition stays unless that is wanted.
        world.json(&["run", "--cutoff=2024-12-31", "--yes"]);
        assert_eq!(world.readings(), 4);
        world.json(&["run", "--cutoff=2024-12-31", "--min-keep=0", "--yes"]);
        assert_eq!(world.readings(), 0);
        let history = world.json(&["history"]);
        let actions: Vec<_> = history["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["action"])
            .collect();
        assert_eq!(
            actions,
            ["drop partition", "drop partition", "added"],
            "{history}"
        );
    });
}

#[test]
fn no_policy_an_unknown_tag_and_no_data_are_told_apart() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    let (code, said) = world.code(&["run", "--yes"]);
    assert!(code == 7 && said.contains("no policy"), "{code} {said}");
    world.sensor_readings();
    world.json(&["ttl", "sensor_readings", "1d"]);
    let (code, said) = world.code(&["run", "--tags=foo", "--yes"]);
    assert!(code == 7 && said.contains("has the tag `foo`"), "{code} {said}");
    for (words, expected) in [
        (["run", "--tags=", "--yes"], 2),
        (["plan", "--cutoff=2999-01-01", "--quiet"], 2),
        (["plan", "--cutoff=soon", "--quiet"], 2),
        (["plan", "--policy=nobody", "--quiet"], 7),
        (["plan", "--strategy=delete", "--quiet"], 7),
        (["plan", "--cutoff=1990-01-01", "--quiet"], 0),
        (["add", "public.nothing:time drop 1d", "--quiet"], 7),
        (["add", "public.sensor_readings:sensor drop 1d", "--name=x"], 2),
        (["add", "public.sensor_readings drop 1d", "--quiet"], 4),
        (["policy", "remove", "--quiet"], 2),
        (["policy", "import", "/nowhere"], 7),
    ] {
        let (code, said) = world.code(&words);
        assert_eq!(code, expected, "{words:?} {said}");
    }
    assert_eq!(world.readings(), 9);
    // A table that went after its policy was made: that policy is partial, the other goes on.
    world.sql(
        "CREATE TABLE gone (at date); CREATE TABLE plain (at date); INSERT INTO plain VALUES ('2020-01-01')",
    );
    world.json(&["ttl", "gone", "1d"]);
    world.json(&["ttl", "plain", "1d"]);
    world.sql("DROP TABLE gone");
    let (code, said) = world.code(&["run", "--policy=public.gone", "--policy=public.plain", "--yes"]);
    assert!(
        code == 3 && said.contains("there is no table public.gone"),
        "{code} {said}"
    );
    assert_eq!(world.number("SELECT count(*) FROM plain"), 0);
    let (code, said) = world.code(&["policy", "check"]);
    assert!(
        code == 3 && said.contains("there is no table public.gone"),
        "{code} {said}"
    );
}

#[test]
fn rows_go_by_any_column_that_tells_a_time() {
    on_each(|world| {
        // 40 days, one row each; the threshold leaves ten of them.
        world.sql(
            "CREATE TABLE a (at timestamptz, n int); CREATE TABLE b (at timestamp, n int); CREATE TABLE c (at date, n int);
             CREATE TABLE d (at bigint, n int); CREATE TABLE e (at int, n int); CREATE TABLE f (at uuid, n int);
             CREATE TABLE g (at text, n int); CREATE TABLE \"h h\" (\"At\" timestamptz, n int);
             CREATE INDEX ON a (at); CREATE INDEX ON f (at);
             INSERT INTO a SELECT '2024-01-01Z'::timestamptz + n * interval '1 day', n FROM generate_series(0, 39) n;
             INSERT INTO a VALUES (NULL, 1);
             INSERT INTO b SELECT at AT TIME ZONE 'UTC', n FROM a; INSERT INTO c SELECT (at AT TIME ZONE 'UTC')::date, n FROM a;
             INSERT INTO d SELECT extract(epoch FROM at) * 1000, n FROM a; INSERT INTO e SELECT extract(epoch FROM at), n FROM a;
             INSERT INTO f SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7abc8abcdefabcdefabc')::uuid, n FROM a WHERE at IS NOT NULL;
             INSERT INTO f SELECT '00000000-0000-4000-8000-000000000000', 0;
             INSERT INTO \"h h\" SELECT at, n FROM a",
        );
        for (line, unit, left) in [
            ("a delete 10d", None, 11),
            ("b:at delete 10d", None, 11),
            ("c delete 10d", None, 11),
            ("d:at delete 10d", Some("--unit=ms"), 11),
            ("e:at delete 10d", Some("--unit=s"), 11),
            // One of another version tells no time.
            ("f delete 10d", Some("--unit=uuidv7"), 11),
            ("\"h h\":At delete 10d", None, 11),
        ] {
            let mut words = vec!["add", line, "--name=it", "--replace"];
            words.extend(unit);
            world.json(&words);
            let report = world.json(&["run", "--cutoff=2024-02-10", "--policy=it", "--yes"]);
            assert_eq!(report["rows_removed"], 30, "{line} {report}");
            let table = report["items"][0]["table"]
                .as_str()
                .unwrap()
                .replace("public.", "");
            let left_now = world.number(&format!("SELECT count(*) FROM {table}"));
            assert_eq!(left_now, left, "{line}");
            world.json(&["policy", "remove", "it"]);
        }
        assert_eq!(world.number("SELECT count(*) FROM ext.retention_progress"), 0);
    });
}

#[test]
fn floors_refuse_and_nothing_goes() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    world.sql(
        "CREATE TABLE t (at date); INSERT INTO t SELECT '2024-01-01'::date + n FROM generate_series(0, 39) n",
    );
    world.json(&["add", "t:at delete 10d", "--max-rows=29"]);
    for floors in [
        &["--max-rows=29"][..],
        &["--max-rows=30", "--max-delete-ratio=0.5"],
        &["--max-rows=30", "--min-keep=11"],
        &[],
    ] {
        let mut words = vec!["run", "--cutoff=2024-02-10", "--yes"];
        words.extend(floors);
        let (code, said) = world.code(&words);
        assert_eq!(
            (code, world.number("SELECT count(*) FROM t")),
            (4, 40),
            "{floors:?} {said}"
        );
    }
    let enough = [
        "run",
        "--cutoff=2024-02-10",
        "--yes",
        "--max-rows=30",
        "--max-delete-ratio=0.75",
        "--min-keep=10",
    ];
    assert_eq!(world.json(&enough)["rows_removed"], 30);
}

#[test]
fn policies_are_edited_exported_and_imported_with_an_audit() {
    let Some(world) = World::new(Release::Thirteen) else {
        return;
    };
    world.sensor_readings();
    world.json(&[
        "add",
        "sensor_readings drop 13 months",
        "--name=readings",
        "--tags=a,b",
        "--schema=My \"ext\"",
    ]);
    let place = "--schema=My \"ext\"";
    let changed = world.json(&["policy", "edit", "readings", "--keep=4w", "--if-version=1", place]);
    assert_eq!(changed["changes"][0]["before"]["keep"], "13mo", "{changed}");
    assert_eq!(changed["changes"][0]["after"]["keep"], "4w", "{changed}");
    let (code, said) = world.code(&["policy", "edit", "readings", "--keep=5w", "--if-version=1", place]);
    assert_eq!(code, 4, "{said}");
    let file = world.ostler.home().join("policies.json");
    std::fs::write(&file, world.run(&["policy", "export", place]).stdout).unwrap();
    world.json(&["policy", "remove", "--tags=a", place]);
    assert_eq!(
        world.json(&["policy", "list", place])["policies"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    world.json(&["policy", "import", file.to_str().unwrap(), place]);
    let (code, said) = world.code(&["policy", "import", file.to_str().unwrap(), place]);
    assert_eq!(code, 4, "{said}");
    assert_eq!(world.json(&["policy", "tags", place])["tags"]["b"], 1);
    let history = world.json(&["history", place]);
    let entries = history["entries"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["added", "removed", "changed", "added"], "{history}");
    assert_eq!(entries[2]["before"]["keep"], "13mo", "{history}");
}

#[test]
fn names_of_any_kind_are_names_and_nothing_else() {
    on_each(|world| {
        let names = [
            "SELECT",
            "a.b",
            "a\"b",
            "Größe 列",
            "x'; DROP TABLE canary; --",
            "{table}",
            "$1",
            "a\\b",
        ];
        world.sql("CREATE TABLE canary (n int)");
        for (number, name) in names.iter().enumerate() {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            world.sql(&format!(
                "CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} ({quoted} date NOT NULL) PARTITION BY RANGE ({quoted});
                 CREATE TABLE {quoted}.\"1{number}\" PARTITION OF {quoted}.{quoted} FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
                 CREATE TABLE {quoted}.\"2{number}\" PARTITION OF {quoted}.{quoted} FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
                 INSERT INTO {quoted}.{quoted} VALUES ('2020-01-05'), ('2020-02-05'), ('2020-02-06')"
            ));
            let line = format!("{quoted}.{quoted}:{quoted} drop 1d");
            world.json(&["add", &line, "--name", name, "--schema", name]);
            let report = world.json(&["run", "--yes", "--policy", name, "--schema", name]);
            assert_eq!(report["rows_removed"], 1, "{name} {report}");
            let line = format!("{quoted}.{quoted}:{quoted} delete 1d");
            world.json(&["add", &line, "--replace", "--name", name, "--schema", name]);
            let report = world.json(&["run", "--yes", "--policy", name, "--schema", name]);
            assert_eq!(report["rows_removed"], 2, "{name} {report}");
        }
        assert_eq!(world.number("SELECT count(*) FROM canary"), 0);
    });
}

#[test]
fn keep_last_leaves_the_newest_rows_of_each_key() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    world.sql(
        "CREATE TABLE t (device text, at timestamptz);
         INSERT INTO t SELECT d, '2024-01-01Z'::timestamptz + n * interval '1 day'
           FROM unnest(ARRAY['a', 'b']) d, generate_series(0, 9) n",
    );
    world.json(&["add", "t:at keep-last INF", "--last=3", "--by=device"]);
    let report = world.json(&["run", "--yes"]);
    assert_eq!(report["rows_removed"], 14, "{report}");
    let left =
        world.sql("SELECT device, count(*), min(at) = '2024-01-08Z' FROM t GROUP BY device ORDER BY device");
    let row = |device: &str| {
        vec![
            Some(device.to_owned()),
            Some("3".to_owned()),
            Some("t".to_owned()),
        ]
    };
    assert_eq!(left, [row("a"), row("b")]);
}
