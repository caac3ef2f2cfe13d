//! `bench retention cratedb`: partitions of CrateDB planned and dropped, beside CrateDB Toolkit, on the server that `OSTLER_TEST_CRATEDB`
//! names. Statements are counted by the server. The recipe and the results are in `benches/README.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use ostler_testkit::servers::cratedb::{self, CrateDb};

use crate::bench::contender::{from_pypi, ostler};
use crate::bench::given::Given;
use crate::bench::machine;
use crate::bench::measure::used;
use crate::{process, workspace};

/// The Toolkit, from PyPI.
const TOOLKIT: &str = "cratedb-toolkit==0.0.49";
const SCHEMA: &str = "ext_bench";
const TABLE: &str = "bench.days";
/// So many partitions are made by a statement.
const AT_ONCE: u32 = 50;

/// One program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Ostler,
    Toolkit,
}

/// What one of them took for one thing.
struct Row {
    name: Name,
    what: &'static str,
    seconds: f64,
    statements: i64,
}

struct Bench {
    crate_db: CrateDb,
    address: String,
    partitions: u32,
    work: PathBuf,
    ostler: PathBuf,
    toolkit: PathBuf,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let Some(address) = cratedb::address() else {
        bail!(
            "bench retention cratedb needs a CrateDB, which OSTLER_TEST_CRATEDB=HOST:4200 names: docs/dev/testing.md"
        )
    };
    let (mut partitions, mut rounds) = (1_000, 3);
    for given in Given::all("retention cratedb", arguments)? {
        match given.name {
            "--partitions" => partitions = given.number()?,
            "--rounds" => rounds = given.rounds()?,
            _ => given.unknown()?,
        }
    }
    let work = workspace::target_directory().join("bench/retention");
    std::fs::create_dir_all(&work)?;
    let bench = Bench {
        crate_db: CrateDb::new(&work, "bench"),
        address,
        partitions,
        ostler: ostler()?,
        toolkit: toolkit(&work)?,
        work,
    };
    let mut rows = Vec::new();
    for round in 0..rounds {
        let mut names = [Name::Ostler, Name::Toolkit];
        if round % 2 == 1 {
            names.reverse();
        }
        for name in names {
            bench.one(name, &mut rows)?;
        }
    }
    print!("{}", table(&rows, partitions));
    Ok(())
}

/// `OSTLER_BENCH_CTK`, the directory of its programs, or a virtual environment with it.
fn toolkit(work: &Path) -> Result<PathBuf> {
    if let Some(programs) = std::env::var_os("OSTLER_BENCH_CTK") {
        return Ok(PathBuf::from(programs).join("cratedb-retention"));
    }
    Ok(from_pypi(TOOLKIT, work)?.join("cratedb-retention"))
}

impl Bench {
    /// Makes the table and the policy, plans, and runs.
    fn one(&self, name: Name, rows: &mut Vec<Row>) -> Result<()> {
        self.make()?;
        process::run(&mut self.command(name, "policy"))?;
        for what in ["plan", "run"] {
            let since = self.now();
            let log = self.work.join(format!("{name:?}-{what}.log"));
            let used = used(&self.command(name, what), &log)?;
            rows.push(Row {
                name,
                what,
                seconds: used.wall,
                statements: self.statements_since(since),
            });
        }
        let left = self
            .crate_db
            .number("SELECT count(*) FROM information_schema.table_partitions WHERE table_schema = 'bench'");
        // The newest one stays, by ours.
        if left > 1 {
            bail!("{name:?} left {left} partitions");
        }
        Ok(())
    }

    fn make(&self) -> Result<()> {
        for table in ["retention_policy", "retention_audit", "retention_lease"] {
            self.crate_db
                .sql(&format!("DROP TABLE IF EXISTS {SCHEMA}.{table}"));
        }
        self.crate_db.sql(&format!("DROP TABLE IF EXISTS {TABLE}"));
        self.crate_db.sql(&format!(
            "CREATE TABLE {TABLE} (time TIMESTAMP WITH TIME ZONE NOT NULL, \
             day TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS date_trunc('day', time), n BIGINT) \
             CLUSTERED INTO 1 SHARDS PARTITIONED BY (day) WITH (number_of_replicas = 0)"
        ));
        for first in (0..self.partitions).step_by(AT_ONCE as usize) {
            let last = (first + AT_ONCE).min(self.partitions) - 1;
            self.crate_db.sql(&format!(
                "INSERT INTO {TABLE} (time, n) SELECT generate_series, 1 FROM generate_series(\
                 '2020-01-01'::TIMESTAMP + '{first} days'::INTERVAL, '2020-01-01'::TIMESTAMP + '{last} days'::INTERVAL, '1 day'::INTERVAL)"
            ));
        }
        self.crate_db.sql(&format!("REFRESH TABLE {TABLE}"));
        Ok(())
    }

    fn command(&self, name: Name, what: &str) -> Command {
        match name {
            Name::Ostler => {
                let mut command = Command::new(&self.ostler);
                command.arg("retention");
                match what {
                    "policy" => command.args(["add", &format!("{TABLE}:day drop 1d")]),
                    "plan" => command.args(["plan", "--min-keep", "0"]),
                    _ => command.args(["run", "--yes", "--min-keep", "0"]),
                };
                command
                    .arg(format!("--dsn=crate://crate@{}", self.address))
                    .arg(format!("--schema={SCHEMA}"))
                    .env("OSTLER_STATE_DIR", self.work.join("state"));
                command
            }
            Name::Toolkit => {
                let mut command = Command::new(&self.toolkit);
                let make = "setup && \"$0\" create-policy --strategy=delete --table-schema=bench --table-name=days \
                            --partition-column=day --retention-period=1";
                match what {
                    "policy" => {
                        command = Command::new("sh");
                        command.args(["-c", &format!("\"$0\" {make}")]).arg(&self.toolkit)
                    }
                    "plan" => command.args(["run", "--strategy=delete", "--dry-run"]),
                    _ => command.args(["run", "--strategy=delete"]),
                };
                command
                    .env("CRATEDB_URI", format!("crate://crate@{}/", self.address))
                    .env("CRATEDB_EXT_SCHEMA", SCHEMA);
                command
            }
        }
    }

    fn now(&self) -> i64 {
        self.crate_db.number("SELECT CURRENT_TIMESTAMP::BIGINT")
    }

    /// Statements that ended since then, but for the counting.
    fn statements_since(&self, moment: i64) -> i64 {
        self.crate_db.number(&format!(
            "SELECT count(*) FROM sys.jobs_log WHERE started >= {moment} AND stmt NOT LIKE '%sys.jobs_log%' AND stmt NOT LIKE '%CURRENT_TIMESTAMP::BIGINT%'"
        ))
    }
}

/// The medians.
fn table(rows: &[Row], partitions: u32) -> String {
    let mut text = format!(
        "{}; {partitions} partitions\n\n| what | program | wall s | statements |\n|---|---|---:|---:|\n",
        machine()
    );
    for what in ["plan", "run"] {
        for name in [Name::Ostler, Name::Toolkit] {
            let mine: Vec<&Row> = rows
                .iter()
                .filter(|row| row.name == name && row.what == what)
                .collect();
            let mut seconds: Vec<f64> = mine.iter().map(|row| row.seconds).collect();
            seconds.sort_by(f64::total_cmp);
            let mut statements: Vec<i64> = mine.iter().map(|row| row.statements).collect();
            statements.sort_unstable();
            let middle = mine.len() / 2;
            let (Some(seconds), Some(statements)) = (seconds.get(middle), statements.get(middle)) else {
                continue;
            };
            let _ = writeln!(text, "| {what} | {name:?} | {seconds:.2} | {statements} |");
        }
    }
    text
}
