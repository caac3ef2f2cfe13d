//! Rollups on real servers: every level has the sums of the raw rows, and raw rows go only when it has.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use serde_json::Value;

use crate::materialize::ends;
use crate::retention::World;
use crate::retention_busy::stops_nobody;

/// Two days of readings of three hosts, one of them of no name, every 20 seconds; a counter that begins again now and then;
/// some values missing; and a column with an awkward name.
const READINGS: &str = r#"INSERT INTO readings
  SELECT t, CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END, CASE WHEN n % 7 > 0 THEN (n % 101) * 0.1 - 3 END,
         (n * 13) % 1009, CASE WHEN n % 11 > 0 THEN (n * 5) % 20011 END
    FROM generate_series('2024-01-01 00:00:10Z'::timestamptz, '2024-01-02 23:59:59Z', '20 seconds') WITH ORDINALITY AS g (t, n)"#;

const COLUMNS: &str =
    r#"time timestamptz NOT NULL, host text, cpu float8, "Größe ""x"".y" int, bytes bigint"#;

const ADD: &[&str] = &[
    "add",
    "sums",
    "readings:time",
    "--by=host",
    "--percentiles=cpu",
    "--gauge=Größe \"x\".y",
    "--counter=bytes",
    "--level=1m:12h",
    "--level=1h:1d",
    "--level=1d",
];

const REFRESH: &[&str] = &["refresh", "sums", "--until=2024-01-03"];

/// Everything that the readings add up to.
const RAW: &str = r#"SELECT count(*), count(cpu), round(sum(cpu)::numeric, 6), min(cpu), max(cpu), sum("Größe ""x"".y") FROM readings"#;
const VIEW: &str = r#"SELECT sum(samples), sum(cpu_count), round(sum(cpu_sum)::numeric, 6), min(cpu_min), max(cpu_max), sum("Größe ""x"".y_sum") FROM sums"#;

fn plain(world: &World) {
    world.sql(&format!(
        "CREATE TABLE readings ({COLUMNS}); CREATE INDEX ON readings (time); {READINGS}"
    ));
    world.said("rollup", ADD);
}

fn partitioned(world: &World) {
    world.sql(&format!(
        "CREATE TABLE readings ({COLUMNS}) PARTITION BY RANGE (time);
         CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2024-01-01Z') TO ('2024-01-02Z');
         CREATE TABLE readings_2 PARTITION OF readings FOR VALUES FROM ('2024-01-02Z') TO ('2024-01-03Z'); {READINGS}"
    ));
    world.said("rollup", ADD);
}

/// Each level, whole, against the raw rows by other statements than the program's.
fn levels_are_right(world: &World) {
    for (table, unit) in [("sums_1m", "minute"), ("sums_1h", "hour"), ("sums_1d", "day")] {
        let differing = world.number(&format!(
            r#"SELECT count(*) FROM (
                 SELECT date_trunc('{unit}', time) AS bucket, host, count(*) AS n, count(cpu) AS c, sum(cpu) AS s, min(cpu) AS low, max(cpu) AS high,
                        (array_agg(cpu ORDER BY time) FILTER (WHERE cpu IS NOT NULL))[1] AS f,
                        (array_agg(cpu ORDER BY time DESC) FILTER (WHERE cpu IS NOT NULL))[1] AS l, sum(step) FILTER (WHERE bytes IS NOT NULL) AS grown, count(*) FILTER (WHERE again) AS resets
                   FROM (SELECT *, CASE WHEN bytes >= before THEN bytes - before WHEN bytes < before THEN bytes ELSE 0 END AS step, bytes < before AS again
                           FROM (SELECT *, lag(bytes) OVER (PARTITION BY date_trunc('{unit}', time), host, bytes IS NULL ORDER BY time) AS before FROM readings) r) r
                  GROUP BY date_trunc('{unit}', time), host) raw
               FULL JOIN {table} made ON made.bucket = raw.bucket AND coalesce(made.host, '-') = coalesce(raw.host, '-')
              WHERE (n, c, low, high, f, l, grown, resets) IS DISTINCT FROM
                    (samples, cpu_count, cpu_min, cpu_max, cpu_first, cpu_last, bytes_increase, bytes_resets)
                 OR (s IS NULL) <> (cpu_sum IS NULL) OR abs(s - cpu_sum) > 1e-6"#
        ));
        assert_eq!(differing, 0, "{table}");
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
fn every_level_has_the_sums_of_the_raw_rows() {
    on_each(|world| {
        plain(world);
        let dry = world.said("rollup", &[REFRESH, &["--dry-run"]].concat());
        assert_eq!(dry["work"]["items"].as_array().unwrap().len(), 3, "{dry}");
        assert_eq!(
            world.sql(VIEW),
            world.sql(RAW),
            "nothing is made yet: all of it is live"
        );
        let report = world.said("rollup", REFRESH);
        for item in report["items"].as_array().unwrap() {
            for evidence in item["evidence"].as_array().unwrap() {
                assert_eq!(evidence["holds"], true, "{report}");
            }
        }
        assert_eq!(report["items"][0]["evidence"][0]["found"], "8640", "{report}");
        levels_are_right(world);
        assert_eq!(world.sql(VIEW), world.sql(RAW));
        // Half of the numbers are at or below the median, nearly; the sketch is within 1 %.
        let (found, exact) = (
            "SELECT round(ext.rollup_percentile(ext.rollup_merge(array_agg(cpu_sketch)), 0.9)::numeric, 3) FROM sums_1d",
            "SELECT round((percentile_disc(0.9) WITHIN GROUP (ORDER BY cpu))::numeric, 3) FROM readings",
        );
        let number = |statement| {
            world.sql(statement)[0][0]
                .as_deref()
                .unwrap()
                .parse::<f64>()
                .unwrap()
        };
        assert!(
            (number(found) / number(exact) - 1.0).abs() < 0.011,
            "{} {}",
            number(found),
            number(exact)
        );
        // Late rows within the time for it are in the next refresh, others in one that is told to go back.
        world.sql("INSERT INTO readings VALUES ('2024-01-02 23:30Z', 'a', 1, 1, 1), ('2024-01-01 03:00Z', 'late', 1, 1, 1)");
        world.said("rollup", REFRESH);
        assert_eq!(world.number("SELECT sum(samples) FROM sums"), 8641);
        world.said("rollup", &[REFRESH, &["--since=2024-01-01"]].concat());
        levels_are_right(world);
        assert_eq!(world.number("SELECT sum(samples) FROM sums"), 8642);
        // Nothing is left to do, which is no error.
        let list = world.said("rollup", &["show", "sums"]);
        assert_eq!(
            list["definitions"][0]["levels"][3]["watermark"], "2024-01-03T00:00:00Z",
            "{list}"
        );
        let gone = world.said("rollup", &["remove", "sums", "--with-data"]);
        assert_eq!(gone["objects"].as_array().unwrap().len(), 4, "{gone}");
        assert_eq!(
            world.number("SELECT count(*) FROM pg_class WHERE relname LIKE 'sums%'"),
            0
        );
    });
}

const RUN: &[&str] = &["run", "--cutoff=2024-01-03", "--min-keep=0", "--yes"];

/// Tables, sums, and what is written of both, in a form that is the same for the same end.
fn state(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT 'raw', count(*)::text FROM readings UNION ALL SELECT 'minutes', count(*)::text FROM sums_1m
         UNION ALL SELECT 'hours', count(*)::text FROM sums_1h UNION ALL SELECT 'days', count(*)::text FROM sums_1d
         UNION ALL SELECT 'view', sum(samples)::text FROM sums
         UNION ALL SELECT 'level ' || level, concat(kept_from, ' ', watermark) FROM ext.rollup_level
         UNION ALL SELECT 'audit ' || coalesce(item, '–'), concat(rows, error) FROM ext.retention_audit
         UNION ALL SELECT 'progress', count(*)::text FROM ext.retention_progress ORDER BY 1, 2",
    )
}

#[test]
fn raw_rows_and_levels_go_when_the_next_level_has_them() {
    on_each(|world| {
        for make in [plain, partitioned] {
            let Some(world) = World::new(world.release) else {
                return;
            };
            make(&world);
            let all = world.sql(VIEW);
            world.json(&["add", "readings:time downsample:sums 1d"]);
            // What was never summed up does not go.
            let none = world.json(&["plan", "--cutoff=2024-01-03"]);
            assert_eq!(none["work"]["items"].as_array().unwrap().len(), 0, "{none}");
            world.said("rollup", REFRESH);
            let report = world.json(RUN);
            for item in report["items"].as_array().unwrap() {
                assert_eq!(item["problem"], Value::Null, "{report}");
                assert_eq!(item["removed"], item["planned"], "{report}");
            }
            assert_eq!(world.number("SELECT count(*) FROM readings"), 4320);
            assert_eq!(world.number("SELECT count(*) FROM sums_1m"), 12 * 60 * 3);
            assert_eq!(world.number("SELECT count(*) FROM sums_1h"), 24 * 3);
            assert_eq!(world.sql(VIEW), all);
            // A second one finds nothing, and a refresh does not touch what has no raw rows any more.
            world.json(RUN);
            world.said("rollup", &[REFRESH, &["--since=2024-01-01"]].concat());
            assert_eq!(world.sql(VIEW), all);
        }
    });
}

#[test]
fn rows_that_the_rollup_has_not_stay() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    plain(&world);
    world.json(&["add", "readings:time downsample:sums 1d"]);
    world.said("rollup", REFRESH);
    // Late, and sums that are wrong: while all raw rows are there, both are mended.
    world.sql("INSERT INTO readings VALUES ('2024-01-01 03:00Z', 'late', 1, 1, 1); UPDATE sums_1m SET cpu_sum = cpu_sum + 1 WHERE bucket = '2024-01-01 05:00Z'");
    world.json(&["run", "--cutoff=2024-01-02T12:00Z", "--min-keep=0", "--yes"]);
    assert_eq!(world.number("SELECT sum(samples) FROM sums"), 8641);
    assert_eq!(
        world.number("SELECT round(sum(cpu_sum) * 10) FROM sums WHERE bucket < '2024-01-02Z'"),
        world.number("SELECT round((SELECT sum(cpu_sum) FROM sums_1d WHERE bucket = '2024-01-01Z') * 10)")
    );
    assert_eq!(
        world.number("SELECT count(*) FROM readings WHERE time < '2024-01-01 12:00Z'"),
        0
    );
    // Later than that: it is in no bucket, and nobody takes it for one that is.
    world.sql("INSERT INTO readings VALUES ('2024-01-01 04:00Z', 'later', 1, 1, 1)");
    let partial = world.run(RUN);
    assert_eq!(partial.status.code(), Some(3), "{}", said(&partial));
    assert!(
        said(&partial).contains("came after their buckets"),
        "{}",
        said(&partial)
    );
    assert_eq!(
        world.number("SELECT count(*) FROM readings WHERE host = 'later'"),
        1
    );
    assert_eq!(world.number("SELECT sum(samples) FROM sums"), 8641);
    // A policy holds on to its rollup.
    let refused = world.command_of("rollup", &["remove", "sums"]).output().unwrap();
    assert_ne!(refused.status.code(), Some(0), "{}", said(&refused));
}

/// What makes a world, and the operations with the steps at which they are killed.
type Kind = (fn(&World), &'static [(&'static str, &'static str)]);

#[test]
fn a_refresh_or_a_run_that_is_killed_at_any_step_resumes_to_the_same_end() {
    let end = |make: fn(&World), kill: Option<(&str, &str, &str)>| {
        let world = World::new(Release::Eighteen)?;
        make(&world);
        world.json(&["add", "readings:time downsample:sums 1d"]);
        for (noun, words) in [("rollup", REFRESH), ("retention", RUN)] {
            let kill = kill
                .filter(|(killed, ..)| *killed == noun)
                .map(|(_, moment, step)| (moment, step));
            ends(&world, noun, words, kill);
        }
        Some(state(&world))
    };
    let kinds: [Kind; 2] = [
        (
            plain,
            &[
                ("rollup", "roll up"),
                ("rollup", "read back"),
                ("rollup", "forget"),
                ("rollup", "record"),
                ("retention", "delete"),
                ("retention", "prove"),
            ],
        ),
        (
            partitioned,
            &[
                ("retention", "sum up"),
                ("retention", "detach"),
                ("retention", "compare"),
                ("retention", "drop"),
                ("retention", "move on"),
            ],
        ),
    ];
    for (make, steps) in kinds {
        let Some(expected) = end(make, None) else {
            return;
        };
        for (noun, step) in steps {
            for moment in ["before", "after"] {
                let found = end(make, Some((noun, moment, step))).unwrap();
                assert_eq!(found, expected, "{noun} {moment} {step}");
            }
        }
    }
}

#[test]
fn downsampling_stops_nobody() {
    for (make, statement) in [
        (
            plain as fn(&World),
            "UPDATE readings SET cpu = cpu WHERE time > '2024-01-02 23:00Z'",
        ),
        (
            partitioned,
            "INSERT INTO readings (time) VALUES ('2024-01-02 23:50Z')",
        ),
    ] {
        let Some(world) = World::new(Release::Eighteen) else {
            return;
        };
        make(&world);
        world.json(&["add", "readings:time downsample:sums 1d"]);
        world.said("rollup", REFRESH);
        let all = [
            statement,
            "SELECT count(*) FROM readings",
            "SELECT sum(samples) FROM sums_1h",
        ];
        stops_nobody(&world, &all, world.command(RUN));
        assert_eq!(
            world.number("SELECT count(*) FROM readings WHERE time < '2024-01-02Z'"),
            0
        );
    }
}

#[test]
fn what_cannot_be_a_rollup_is_told() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    world.sql("CREATE TABLE t (time timestamptz, v int, what text, id uuid)");
    for (words, reason) in [
        (&["t:time", "--gauge=what", "--level=1m"][..], "no number"),
        (
            &["t:time", "--gauge=v", "--level=1h", "--level=90m"][..],
            "multiple",
        ),
        (&["t:time", "--gauge=v", "--level=1mo"][..], "months"),
        (
            &["t:id", "--gauge=v", "--level=1m", "--unit=uuidv7"][..],
            "to the second",
        ),
        (&["t:time", "--gauge=gone", "--level=1m"][..], "no column"),
        (&["t:time", "--level=1m"][..], "no column"),
    ] {
        let output = world
            .command_of("rollup", &[&["add", "r"], words].concat())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(reason), "{}", said(&output));
    }
    let missing = world.command_of("rollup", &["show", "r"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(7), "{}", said(&missing));
    assert_eq!(
        world.number("SELECT count(*) FROM pg_class WHERE relname LIKE 'r\\_%'"),
        0
    );
}

#[test]
fn times_of_other_types_are_rolled_up_alike() {
    on_each(|world| {
        let of = |column: &str, value: &str, unit: &str| {
            world.sql(&format!(
                "CREATE TABLE t_{unit} (t {column}, v bigint); INSERT INTO t_{unit} SELECT {value}, n
                   FROM generate_series('2024-01-01 00:00Z'::timestamptz, '2024-01-01 23:59:59Z', '7 seconds') WITH ORDINALITY AS g (m, n)"
            ));
            let (name, subject) = (format!("r_{unit}"), format!("t_{unit}:t"));
            let mut words = vec!["add", &name, &subject, "--gauge=v", "--level=5m", "--level=1h"];
            let by_unit = format!("--unit={unit}");
            if column == "bigint" {
                words.push(&by_unit);
            }
            world.said("rollup", &words);
            world.said("rollup", &["refresh", &name, "--until=2024-01-01T12:00Z"]);
            let sums = world.sql(&format!(
                "SELECT bucket, level, v_sum, v_first, v_last FROM r_{unit} ORDER BY bucket, level"
            ));
            assert!(sums.len() > 200, "{}", sums.len());
            sums
        };
        let moments = of("timestamptz", "m", "moment");
        assert_eq!(of("timestamp", "m AT TIME ZONE 'UTC'", "civil"), moments);
        assert_eq!(of("bigint", "extract(epoch FROM m)", "s"), moments);
        assert_eq!(of("bigint", "extract(epoch FROM m) * 1000 + 999", "ms"), moments);
        assert_eq!(
            of(
                "bigint",
                "(extract(epoch FROM m) * 1000000)::bigint * 1000 + 999",
                "ns"
            ),
            moments
        );
    });
}
