//! A home, and tables and policies in CrateDB, with schemas of their own.

use std::process::Output;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::cratedb::CrateDb;
use serde_json::Value;

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cratedb");

/// A schema with tables, one with policies, and a home.
pub(crate) struct World {
    pub(crate) crate_db: CrateDb,
    pub(crate) ostler: Ostler,
    pub(crate) name: &'static str,
}

impl World {
    pub(crate) fn new(name: &'static str) -> Self {
        let world = Self {
            crate_db: CrateDb::new(RECORDINGS, name),
            ostler: Ostler::new(env!("CARGO_BIN_EXE_ostler")),
            name,
        };
        for table in ["retention_policy", "retention_audit", "retention_lease"] {
            world.sql(&format!("DROP TABLE IF EXISTS ext_{name}.{table}"));
        }
        world
    }

    pub(crate) fn sql(&self, statement: &str) -> Vec<Vec<Value>> {
        self.crate_db.sql(statement)
    }

    pub(crate) fn words(&self, words: &[&str]) -> Vec<String> {
        self.words_of("retention", words)
    }

    /// A command of another noun, of this cluster and schema.
    pub(crate) fn words_of(&self, noun: &str, words: &[&str]) -> Vec<String> {
        let mut all = vec![noun.to_owned()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all.push(format!("--dsn={}", self.crate_db.url()));
        all.push(format!("--schema=ext_{}", self.name));
        all
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        self.ostler.json(self.words(words))
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.ostler.run(self.words(words))
    }

    /// Exit code and everything that was said.
    pub(crate) fn code(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        (output.status.code().unwrap_or(-1), said(&output))
    }

    /// Runs until it is killed at a step.
    pub(crate) fn killed(&self, at: &str, words: &[&str]) {
        self.killed_of("retention", at, words);
    }

    /// The same for another noun.
    pub(crate) fn killed_of(&self, noun: &str, at: &str, words: &[&str]) {
        let mut command = self.ostler.command(self.words_of(noun, words));
        let output = command.env("OSTLER_TEST_KILL", at).output().unwrap();
        assert_eq!(output.status.code(), None, "{at}: {}", said(&output));
    }

    /// Ends what was killed; exit code and everything that was said.
    pub(crate) fn resume(&self) -> (i32, String) {
        let list = self.ostler.json(["operation", "list"]);
        let id = list["operations"][0]["id"].as_str().unwrap();
        let output = self.ostler.run(["operation", "resume", id]);
        (output.status.code().unwrap_or(-1), said(&output))
    }

    /// May and June of 2023 by the month, a reading a week: 5 and 4 rows.
    pub(crate) fn sensor_readings(&self) -> String {
        let table = format!("data_{}.sensor_readings", self.name);
        self.sql(&format!("DROP TABLE IF EXISTS {table}"));
        self.sql(&format!(
            "CREATE TABLE {table} (time TIMESTAMP WITH TIME ZONE NOT NULL, \
             time_month TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('month', time), \
             sensor TEXT, battery DOUBLE PRECISION) CLUSTERED INTO 1 SHARDS PARTITIONED BY (time_month) \
             WITH (number_of_replicas = 0)"
        ));
        self.sql(&format!(
            "INSERT INTO {table} (time, sensor, battery) SELECT generate_series, 'a', 1 \
             FROM generate_series('2023-05-01'::TIMESTAMP, '2023-06-30'::TIMESTAMP, '7 days'::INTERVAL)"
        ));
        self.sql(&format!("REFRESH TABLE {table}"));
        table
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        self.sql(&format!("REFRESH TABLE {table}"));
        self.crate_db.number(&format!("SELECT count(*) FROM {table}"))
    }

    pub(crate) fn partitions(&self, table: &str) -> i64 {
        let (schema, name) = table.split_once('.').unwrap();
        self.crate_db.number(&format!(
            "SELECT count(*) FROM information_schema.table_partitions WHERE table_schema = '{schema}' AND table_name = '{name}'"
        ))
    }

    pub(crate) fn finish(self) {
        self.crate_db.finish();
    }
}
