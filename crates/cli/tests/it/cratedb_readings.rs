//! Readings in CrateDB, a rollup of them, and what it has to be: an oracle in Rust.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cratedb_world::World;

/// 2024-01-01T00:00:00Z in milliseconds.
pub(crate) const START: i64 = 1_704_067_200_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// Nothing is counted between two readings of a counter that are further apart.
const GAP: i64 = 20 * MINUTE;

/// Two days of readings every two minutes, of three hosts, one of them of no name; some values missing, a hole of some hours, and a
/// counter that begins again now and then.
const READINGS: &str = "SELECT 1704067200000 + n * 120000, CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b:''\"' END, \
    CASE WHEN n % 7 > 0 THEN ((n * 17) % 101) / 8.0 - 3 END, (n * 13) % 1009, CASE WHEN n % 11 > 0 THEN (n * 50) % 3011 END \
    FROM generate_series(0, 1439) AS g (n) WHERE n NOT BETWEEN 200 AND 290";

/// A row as the table has it.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) at: i64,
    pub(crate) host: Option<&'static str>,
    pub(crate) cpu: Option<f64>,
    pub(crate) size: i64,
    pub(crate) bytes: Option<i64>,
}

/// What the statement above makes.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn readings() -> Vec<Reading> {
    let numbers = (0..1440_i64).filter(|n| !(200..=290).contains(n));
    numbers
        .map(|n| Reading {
            at: START + n * 2 * MINUTE,
            host: [Some("a"), Some("b:'\""), None][usize::try_from(n % 3).unwrap()],
            cpu: (n % 7 > 0).then(|| ((n * 17) % 101) as f64 / 8.0 - 3.0),
            size: (n * 13) % 1009,
            bytes: (n % 11 > 0).then_some((n * 50) % 3011),
        })
        .collect()
}

/// A bucket of one series, without its sums of floating point numbers, and these.
type Sums = (Vec<Value>, f64);

/// The buckets of a level, as they have to be.
fn oracle(rows: &[Reading], width: i64) -> BTreeMap<(i64, Option<String>), Sums> {
    let mut groups: BTreeMap<(i64, Option<String>), Vec<&Reading>> = BTreeMap::new();
    for row in rows {
        let bucket = row.at - row.at.rem_euclid(width);
        groups
            .entry((bucket, row.host.map(str::to_owned)))
            .or_default()
            .push(row);
    }
    let summed = groups.into_iter().map(|(key, mut rows)| {
        rows.sort_by_key(|row| (row.at, row.bytes));
        let mut cpu: Vec<(i64, f64)> = rows.iter().filter_map(|row| Some((row.at, row.cpu?))).collect();
        cpu.sort_by(|one, other| one.partial_cmp(other).unwrap());
        let numbers = || cpu.iter().map(|it| it.1);
        let bytes: Vec<(i64, i64)> = rows.iter().filter_map(|row| Some((row.at, row.bytes?))).collect();
        let pairs = || bytes.windows(2).map(|pair| (pair[0], pair[1]));
        let resets = pairs().filter(|(one, other)| other.1 < one.1).count();
        let increase: i64 = pairs()
            .map(|(one, other)| match other.1 >= one.1 {
                _ if other.0 - one.0 > GAP => 0,
                true => other.1 - one.1,
                false => other.1,
            })
            .sum();
        let last_at = cpu.last().map(|last| last.0);
        let last = numbers_at(&cpu, last_at).fold(f64::MIN, f64::max);
        let exact = vec![
            json!(rows.len()),
            json!(cpu.len()),
            json!(cpu.first().map(|it| it.1)),
            json!(cpu.first().map(|it| it.0)),
            json!(last_at.map(|_| last)),
            json!(last_at),
            json!(numbers().reduce(f64::min)),
            json!(numbers().reduce(f64::max)),
            json!(rows.iter().map(|row| row.size).sum::<i64>()),
            json!((!bytes.is_empty()).then_some(increase)),
            json!(resets),
        ];
        (key, (exact, numbers().sum()))
    });
    summed.collect()
}

fn numbers_at(cpu: &[(i64, f64)], at: Option<i64>) -> impl Iterator<Item = f64> {
    let of = cpu.iter().filter(move |it| Some(it.0) == at);
    of.map(|it| it.1)
}

const COLUMNS: &str = "\"bucket\", \"host\", cpu_sum, samples, cpu_count, cpu_first, cpu_first_at, cpu_last, cpu_last_at, cpu_min, cpu_max, \"Größe_sum\", bytes_increase, bytes_resets";

impl World {
    pub(crate) fn data(&self, table: &str) -> String {
        format!("data_{}.{table}", self.name)
    }

    /// A command about rollups, and what it says.
    pub(crate) fn rollup(&self, words: &[&str]) -> Value {
        self.ostler.json(self.words_of("rollup", words))
    }

    pub(crate) fn rollup_code(&self, words: &[&str]) -> (i32, String) {
        let output = self.ostler.run(self.words_of("rollup", words));
        (
            output.status.code().unwrap_or(-1),
            ostler_testkit::binary::said(&output),
        )
    }

    /// Sums of a relation over everything.
    pub(crate) fn totals(&self, relation: &str) -> Vec<Vec<Value>> {
        let (rows, of, sum) = match relation {
            "readings" => ("count(*)", "count(cpu)", "sum(\"Größe\")"),
            _ => ("sum(samples)", "sum(cpu_count)", "sum(\"Größe_sum\")"),
        };
        let from = self.data(relation);
        self.sql(&format!("SELECT {rows}, {of}, {sum} FROM {from}"))
    }

    pub(crate) fn refresh_all(&self, tables: &[&str]) {
        for table in tables {
            self.sql(&format!("REFRESH TABLE {}", self.data(table)));
        }
    }

    /// Each level, whole, against the oracle.
    pub(crate) fn levels_are_right(&self, rows: &[Reading]) {
        self.refresh_all(&["sums_1h", "sums_6h", "sums_1d"]);
        for (table, width) in [("sums_1h", HOUR), ("sums_6h", 6 * HOUR), ("sums_1d", 24 * HOUR)] {
            let from = self.data(table);
            let found = self.sql(&format!(
                "SELECT {COLUMNS} FROM {from} ORDER BY \"bucket\", \"host\""
            ));
            let expected = oracle(rows, width);
            assert_eq!(found.len(), expected.len(), "{table}");
            for row in found {
                let key = (row[0].as_i64().unwrap(), row[1].as_str().map(str::to_owned));
                let (exact, sum) = &expected[&key];
                assert_eq!(&row[3..], exact, "{table} {key:?}");
                let near = row[2].as_f64().unwrap_or(0.0);
                assert!((near - sum).abs() <= 1e-9, "{table} {key:?}: {near} {sum}");
            }
        }
    }
}

/// The table with its rows, and a rollup of it that was never made.
pub(crate) fn world(name: &'static str, levels: [&str; 3]) -> World {
    let world = World::new(name);
    make(&world, levels);
    world
}

/// The same anew.
pub(crate) fn make(world: &World, levels: [&str; 3]) {
    let name = world.name;
    world.sql(&format!("DROP TABLE IF EXISTS ext_{name}.retention_policy"));
    for table in ["retention_definition", "rollup_level"] {
        world.sql(&format!("DROP TABLE IF EXISTS ext_{name}.{table}"));
    }
    world.sql(&format!("DROP VIEW IF EXISTS data_{name}.sums"));
    for table in ["readings", "sums_1h", "sums_6h", "sums_1d"] {
        world.sql(&format!("DROP TABLE IF EXISTS data_{name}.{table}"));
    }
    let readings = world.data("readings");
    world.sql(&format!(
        "CREATE TABLE {readings} (time TIMESTAMP WITH TIME ZONE NOT NULL, day TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('day', time), \
         host TEXT, cpu DOUBLE PRECISION, \"Größe\" INTEGER, bytes BIGINT) CLUSTERED INTO 2 SHARDS PARTITIONED BY (day) WITH (number_of_replicas = 0)"
    ));
    world.sql(&format!(
        "INSERT INTO {readings} (time, host, cpu, \"Größe\", bytes) {READINGS}"
    ));
    world.sql(&format!("REFRESH TABLE {readings}"));
    let words = [
        "add",
        "sums",
        &format!("{readings}:time"),
        "--by=host",
        "--percentiles=cpu",
        "--gauge=Größe",
        "--counter=bytes",
        "--gap=20m",
    ];
    let levels = levels.map(|level| format!("--level={level}"));
    let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
    world.rollup(&[&words[..], &levels[..]].concat());
}
