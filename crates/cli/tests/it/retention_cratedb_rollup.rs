//! Rollups and *downsample* in CrateDB: every level has the sums of the raw rows, by an oracle in Rust, and raw rows go only when it
//! has. On the server that `OSTLER_TEST_CRATEDB` names, else by what was recorded of one.

use serde_json::{Value, json};

use crate::cratedb_readings::{HOUR, MINUTE, Reading, START, make, readings, world};
use crate::cratedb_world::World;

const LEVELS: [&str; 3] = ["1h:12h", "6h:1d", "1d"];
const PLAN: &[&str] = &["plan", "--cutoff=2024-01-03", "--min-keep=0"];
const REFRESH: &[&str] = &["refresh", "sums", "--until=2024-01-03"];
pub(crate) const RUN: &[&str] = &["run", "--cutoff=2024-01-03", "--min-keep=0", "--yes"];

fn holds(report: &Value) {
    for item in report["items"].as_array().unwrap() {
        assert_eq!(item["problem"], Value::Null, "{report}");
        for evidence in item["evidence"].as_array().into_iter().flatten() {
            assert_eq!(evidence["holds"], true, "{report}");
        }
    }
}

#[test]
fn every_level_has_the_sums_of_the_raw_rows() {
    let world = world("rollup", LEVELS);
    let mut rows = readings();
    let dry = world.rollup(&[REFRESH, &["--dry-run"]].concat());
    assert_eq!(dry["work"]["items"].as_array().unwrap().len(), 3, "{dry}");
    let all = world.totals("readings");
    assert_eq!(
        world.totals("sums"),
        all,
        "nothing is made yet: all of it is live"
    );
    let report = world.rollup(REFRESH);
    holds(&report);
    assert_eq!(
        report["items"][0]["evidence"][0]["found"],
        rows.len().to_string(),
        "{report}"
    );
    world.levels_are_right(&rows);
    assert_eq!(world.totals("sums"), all);
    let list = world.rollup(&["show", "sums"]);
    let watermark = &list["definitions"][0]["levels"][3]["watermark"];
    assert_eq!(watermark, "2024-01-03T00:00:00Z", "{list}");

    // Late rows: within the time for it, later than that, two at once, and one of a new series.
    let readings = world.data("readings");
    world.sql(&format!(
        "INSERT INTO {readings} (time, host, cpu, \"Größe\", bytes) VALUES ('2024-01-02T23:30:00.500Z', 'a', 1.5, 1, 70), \
         ('2024-01-02T03:00:00Z', 'late', -7.25, 1, 9), ('2024-01-02T12:00:00Z', 'b:''\"', 2, 1, 5000), ('2024-01-02T12:00:00Z', 'b:''\"', -2, 1, 3)"
    ));
    let late = |hours: i64, host, cpu, bytes| Reading {
        at: START + 24 * HOUR + hours,
        host: Some(host),
        cpu: Some(cpu),
        size: 1,
        bytes: Some(bytes),
    };
    rows.extend([
        late(23 * HOUR + 30 * MINUTE + 500, "a", 1.5, 70),
        late(3 * HOUR, "late", -7.25, 9),
        late(12 * HOUR, "b:'\"", 2.0, 5000),
        late(12 * HOUR, "b:'\"", -2.0, 3),
    ]);
    world.sql(&format!("REFRESH TABLE {readings}"));
    holds(&world.rollup(REFRESH));
    world.levels_are_right(&rows);
    // A row that is gone stays summed up, until somebody wants everything anew; then a bucket without a row goes.
    world.sql(&format!("DELETE FROM {readings} WHERE host = 'late'"));
    world.sql(&format!("REFRESH TABLE {readings}"));
    let report = world.rollup(REFRESH);
    assert!(
        report["notes"].to_string().contains("stay as they are"),
        "{report}"
    );
    world.levels_are_right(&rows);
    rows.retain(|row| row.host != Some("late"));
    holds(&world.rollup(&[REFRESH, &["--since=2024-01-01"]].concat()));
    world.levels_are_right(&rows);

    let gone = world.rollup(&["remove", "sums", "--with-data"]);
    assert_eq!(gone["objects"].as_array().unwrap().len(), 4, "{gone}");
    let left = world.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'data_rollup' ORDER BY table_name");
    assert_eq!(left, [[json!("readings")]]);
    world.finish();
}

/// The statement of the guide.
fn percentile(world: &World, share: f64) -> f64 {
    let days = world.data("sums_1d");
    let found = world.sql(&format!(
        "SELECT min(number) FROM (SELECT number, sum(times) OVER (ORDER BY number) AS up_to, sum(times) OVER () AS total FROM \
         (SELECT CASE WHEN place = 0 THEN 0.0 WHEN place > 0 THEN power(1.02, place - 40000) / 1.01 ELSE power(1.02, -place - 40000) / -1.01 END AS number, \
         sum(times) AS times FROM (SELECT unnest(cpu_places) AS place, unnest(cpu_times) AS times FROM {days}) AS sketches GROUP BY place) AS placed) AS counted \
         WHERE up_to >= ceil({share} * total)"
    ));
    found[0][0].as_f64().unwrap()
}

#[test]
fn percentiles_are_within_their_bound_and_who_was_killed_goes_on() {
    let world = world("rollup_killed", LEVELS);
    for at in [
        "before:roll up",
        "after:roll up",
        "after:roll up:2",
        "before:read back:3",
        "after:record:3",
    ] {
        world.killed_of("rollup", at, &[REFRESH, &["--since=2024-01-01"]].concat());
        let (code, said) = world.resume();
        assert_eq!(code, 0, "{at}: {said}");
        world.levels_are_right(&readings());
    }
    let mut numbers: Vec<f64> = readings().iter().filter_map(|row| row.cpu).collect();
    numbers.sort_by(f64::total_cmp);
    for (share, percent) in [(0.05, 5), (0.5, 50), (0.9, 90), (0.99, 99)] {
        let exact = numbers[(numbers.len() * percent).div_ceil(100) - 1];
        let found = percentile(&world, share);
        assert!((found / exact - 1.0).abs() < 0.011, "{share}: {found} {exact}");
    }
    world.finish();
}

/// How far the rollup says that raw rows have gone, and its levels.
fn kept(world: &World) -> Vec<Vec<Value>> {
    let name = world.name;
    world.sql(&format!("REFRESH TABLE ext_{name}.rollup_level"));
    world.sql(&format!(
        "SELECT level, kept_from FROM ext_{name}.rollup_level ORDER BY level"
    ))
}

/// Everything anew and summed up, with a policy; then a row that came late, and sums that are wrong: while all raw rows are there,
/// both are mended. Gives what the raw rows added up to before.
pub(crate) fn prepare(world: &World) -> Vec<Vec<Value>> {
    make(world, LEVELS);
    let readings = world.data("readings");
    let all = world.totals("readings");
    world.json(&[
        "add",
        &format!("{readings}:time downsample:sums 1d"),
        "--name=age",
    ]);
    // What was never summed up does not go.
    let none = world.json(PLAN);
    assert_eq!(none["work"]["items"], json!([]), "{none}");
    holds(&world.rollup(REFRESH));
    let plan = world.json(PLAN);
    let items = plan["work"]["items"].as_array().unwrap().iter();
    let rows: Vec<&Value> = items.map(|item| &item["rows"]).collect();
    // 629 rows of the first day; 34 hours and 4 times 6 hours of three hosts, without the hole.
    assert_eq!(rows, [&json!(629), &json!(102), &json!(12)], "{plan}");
    let hours = world.data("sums_1h");
    world.sql(&format!(
        "INSERT INTO {readings} (time, host, cpu, \"Größe\") VALUES ('2024-01-01T03:00:00Z', 'late', 1, 1)"
    ));
    world.sql(&format!(
        "UPDATE {hours} SET cpu_sum = cpu_sum + 1, \"ostler_made\" = \"ostler_made\" + 5 WHERE \"bucket\" = '2024-01-01T02:00:00Z'"
    ));
    all
}

#[test]
fn raw_rows_and_levels_go_when_the_next_level_has_them() {
    let world = World::new("downsample");
    let mut all = prepare(&world);
    holds(&world.json(RUN));
    world.is_downsampled(&all);
    // Who is killed at any step goes on, and the end is the same.
    for at in [
        "after:block writes",
        "after:move on",
        "after:drop",
        "after:delete",
    ] {
        all = prepare(&world);
        world.killed(at, RUN);
        let (code, said) = world.resume();
        assert_eq!(code, 0, "{at}: {said}");
        world.is_downsampled(&all);
    }
    // A second one finds nothing. A refresh does not touch what has no raw rows any more; what it makes anew of others goes again.
    let (code, said) = world.code(RUN);
    assert_eq!(code, 0, "{said}");
    holds(&world.rollup(&[REFRESH, &["--since=2024-01-01"]].concat()));
    holds(&world.json(RUN));
    world.is_downsampled(&all);
    world.finish();
}

impl World {
    /// Everything that was to go is gone, and the sums are there, with those of the row that came late.
    pub(crate) fn is_downsampled(&self, all: &[Vec<Value>]) {
        self.refresh_all(&["readings", "sums_1h", "sums_6h", "sums_1d"]);
        let expected: Vec<i64> = all[0].iter().map(|it| it.as_i64().unwrap() + 1).collect();
        assert_eq!(
            self.totals("sums"),
            [expected.iter().map(|it| json!(it)).collect::<Vec<Value>>()]
        );
        let readings = self.data("readings");
        assert_eq!((self.partitions(&readings), self.count(&readings)), (1, 720));
        assert_eq!(self.count(&self.data("sums_1h")), 12 * 3);
        assert_eq!(self.count(&self.data("sums_6h")), 4 * 3);
        let day = START + 24 * HOUR;
        assert_eq!(
            kept(self),
            [
                [json!(0), json!(day)],
                [json!(1), json!(day + 12 * HOUR)],
                [json!(2), json!(day)],
                [json!(3), Value::Null]
            ]
        );
        let days = self.data("sums_1d");
        let wrong = self.sql(&format!(
            "SELECT count(*) FROM {days} WHERE abs(cpu_sum * 8 - round(cpu_sum * 8)) > 1e-6"
        ));
        assert_eq!(wrong, [[json!(0)]]);
    }
}

#[test]
fn a_level_that_differs_keeps_what_it_was_made_from() {
    let world = world("doctored", ["1h:1d", "6h:2d", "1d"]);
    let readings = world.data("readings");
    world.json(&[
        "add",
        &format!("{readings}:time downsample:sums 1h"),
        "--name=age",
    ]);
    holds(&world.rollup(REFRESH));
    let run = ["run", "--cutoff=2024-01-02T02:00:00Z", "--min-keep=0", "--yes"];
    let hours = world.data("sums_1h");
    // Somebody changes a level between the proof and the drop: a sum, a place of a sketch, what a counter did, a bucket.
    for (doctor, buckets) in [
        (
            format!(
                "UPDATE {hours} SET \"Größe_sum\" = \"Größe_sum\" + 1 WHERE \"bucket\" = '2024-01-01T02:00:00Z' AND host = 'a'"
            ),
            "1 of 66 buckets",
        ),
        (
            format!(
                "UPDATE {hours} SET cpu_times = [100] WHERE \"bucket\" = '2024-01-01T05:00:00Z' AND host = 'a'"
            ),
            "1 of 66 buckets",
        ),
        (
            format!(
                "UPDATE {hours} SET bytes_resets = 7 WHERE \"bucket\" = '2024-01-01T05:00:00Z' AND host IS NULL"
            ),
            "1 of 66 buckets",
        ),
        (
            format!("DELETE FROM {hours} WHERE \"bucket\" = '2024-01-01T05:00:00Z' AND host = 'a'"),
            "1 of 66 buckets",
        ),
    ] {
        world.killed("after:move on", &run);
        world.sql(&doctor);
        let (code, said) = world.resume();
        assert!(
            code == 3 && said.contains(buckets) && said.contains("nothing of them is removed"),
            "{doctor}: {code} {said}"
        );
        assert_eq!(world.partitions(&readings), 2);
        assert_eq!(kept(&world)[0], [json!(0), Value::Null]);
        // It takes rows again.
        world.sql(&format!(
            "INSERT INTO {readings} (time, host) VALUES ('2024-01-01T02:00:00Z', 'a')"
        ));
    }
    // While all of it is there it is mended, and goes.
    holds(&world.json(&run));
    assert_eq!(world.partitions(&readings), 1);
    world.refresh_all(&["readings", "sums_1h", "sums_6h", "sums_1d"]);
    assert_eq!(world.totals("sums")[0][0], 1440 - 91 + 4);
    // What the rollup has is not made anew from a table without its rows.
    holds(&world.rollup(&[REFRESH, &["--since=2024-01-01"]].concat()));
    world.refresh_all(&["sums_1h", "sums_6h", "sums_1d"]);
    assert_eq!(world.totals("sums")[0][0], 1440 - 91 + 4);
    world.finish();
}

#[test]
fn what_cannot_be_is_told_with_its_cure() {
    let world = World::new("rollup_refused");
    for table in ["retention_definition", "rollup_level"] {
        world.sql(&format!("DROP TABLE IF EXISTS ext_rollup_refused.{table}"));
    }
    let plain = world.data("plain");
    world.sql(&format!("DROP VIEW IF EXISTS {}", world.data("r")));
    for table in ["plain", "r_1m", "r_1h"] {
        world.sql(&format!("DROP TABLE IF EXISTS {}", world.data(table)));
    }
    world.sql(&format!(
        "CREATE TABLE {plain} (time TIMESTAMP WITH TIME ZONE, v INTEGER, price NUMERIC(12, 2), what OBJECT(DYNAMIC)) CLUSTERED INTO 1 SHARDS"
    ));
    let subject = format!("{plain}:time");
    for (words, code, reason) in [
        (
            &["r", &subject, "--gauge=price", "--level=1m"][..],
            2,
            "generated column",
        ),
        (
            &["r", &subject, "--gauge=v", "--by=what", "--level=1m"][..],
            2,
            "told apart by texts",
        ),
        (&["r", &subject, "--gauge=gone", "--level=1m"][..], 2, "no column"),
        (
            &["plain", &subject, "--gauge=v", "--level=1m"][..],
            4,
            "there is a table or view of that name",
        ),
    ] {
        let found = world.rollup_code(&[&["add"], words].concat());
        assert!(
            found.0 == code && found.1.contains(reason),
            "{words:?}: {found:?}"
        );
    }
    world.rollup(&["add", "r", &subject, "--gauge=v", "--level=1m:1d", "--level=1h"]);
    world.sql(&format!("INSERT INTO {plain} (time, v) VALUES ('2024-01-01', 1)"));
    world.rollup(&["refresh", "r", "--until=2024-01-03"]);
    // Of a part of a table nobody can be kept from writing: its rows stay, and the levels age.
    world.json(&["add", &format!("{plain}:time downsample:r 1d"), "--name=rows"]);
    let (code, said) = world.code(&["run", "--cutoff=2024-01-04", "--yes"]);
    assert!(
        code == 1 && said.contains("partition it by a column that is made from time"),
        "{code} {said}"
    );
    assert_eq!(world.count(&plain), 1);
    world.json(&["policy", "edit", "rows", "--keep=INF"]);
    let report = world.json(&["run", "--cutoff=2024-01-04", "--yes"]);
    holds(&report);
    assert_eq!((world.count(&plain), world.count(&world.data("r_1m"))), (1, 0));
    world.rollup_code(&["remove", "r", "--with-data"]);
    world.finish();
}
