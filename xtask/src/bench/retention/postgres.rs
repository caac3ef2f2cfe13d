//! `bench retention postgres`: rows and partitions of PostgreSQL aged, beside the plain statements that people age them with. The recipe
//! and the results are in `benches/README.md`.

mod application;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::Postgres;
use serde_json::Value;

use crate::bench::compared::Rows;
use crate::bench::contender::ostler;
use crate::bench::given::Given;
use crate::bench::measure::used;
use crate::{process, workspace};

/// The databases that others are copied from: with partitions by day, and with none.
const PARTED: &str = "parted";
const PLAIN: &str = "plain";
const SETS: [&str; 4] = ["drop", "delete", "archive", "downsample"];
/// The first moment.
const START: &str = "2024-01-01T00:00:00Z";

/// How much of everything.
struct Size {
    rows: u64,
    days: u64,
    rounds: usize,
    /// Seconds for which the application is watched undisturbed.
    seconds: u64,
}

struct Bench {
    server: Postgres,
    size: Size,
    work: PathBuf,
    ostler: PathBuf,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut size = Size {
        rows: 20_000_000,
        days: 400,
        rounds: 3,
        seconds: 20,
    };
    let (mut sets, mut as_json) = (SETS.to_vec(), false);
    for given in Given::all("retention postgres", arguments)? {
        match given.name {
            "--json" => as_json = true,
            "--rows" => size.rows = given.number()?,
            "--days" => size.days = given.number()?,
            "--rounds" => size.rounds = given.rounds()?,
            "--seconds" => size.seconds = given.number()?,
            "--set" => sets = given.sets(&SETS)?,
            _ => given.unknown()?,
        }
    }
    ensure!(
        process::exists("zstd"),
        "bench retention postgres wants `zstd`: apt-get install zstd"
    );
    let bench = Bench::start(size)?;
    let mut rows = Rows::default();
    for _ in 0..bench.size.rounds {
        for set in &sets {
            match *set {
                "drop" => bench.dropped(&mut rows)?,
                "delete" => bench.deleted(&mut rows)?,
                "archive" => bench.archived(&mut rows)?,
                _ => bench.downsampled(&mut rows)?,
            }
        }
    }
    match as_json {
        true => println!("{}", rows.document()),
        false => print!("{}", rows.markdown("the plain statement")),
    }
    Ok(())
}

impl Bench {
    /// A durable server with the same rows twice.
    fn start(size: Size) -> Result<Self> {
        let settings = [
            ("fsync", "on"),
            ("shared_buffers", "1GB"),
            ("max_wal_size", "8GB"),
            ("checkpoint_timeout", "1h"),
            ("max_connections", "100"),
        ];
        let server = Postgres::start(Release::Eighteen, &settings)?;
        let work = workspace::target_directory().join("bench/retention");
        std::fs::create_dir_all(&work)?;
        let bench = Self {
            server,
            size,
            work,
            ostler: ostler()?,
        };
        let (rows, days) = (bench.size.rows, bench.size.days);
        let columns = "time timestamptz not null, host int not null, v int, w float8, note text";
        let partitions = format!(
            "do $$ begin for i in 0..{days} - 1 loop execute format(\
             'create table readings_%s partition of readings for values from (%L) to (%L)', \
             i, '{START}'::timestamptz + i * interval '1 day', '{START}'::timestamptz + (i + 1) * interval '1 day'); end loop; end $$;"
        );
        for (database, by, more) in [
            (PLAIN, "", ""),
            (PARTED, "partition by range (time)", partitions.as_str()),
        ] {
            bench
                .server
                .try_sql("postgres", &format!("create database {database}"))?;
            bench.server.try_sql(database, "set timezone = 'UTC'")?;
            bench.server.try_sql(
                database,
                &format!(
                    "create table readings ({columns}) {by}; {more} \
                     insert into readings select '{START}'::timestamptz + i * (interval '{days} days' / {rows}), \
                     i % 1000, i % 77777, (i % 9973) / 8.0, 'reading ' || i from generate_series(0, {rows} - 1) i; \
                     create index on readings (time)"
                ),
            )?;
            bench.server.try_sql(database, "vacuum analyze readings")?;
        }
        Ok(bench)
    }

    /// The moment before which a share of the rows is.
    fn before(&self, share: u64) -> Result<String> {
        self.moment(self.size.days / share)
    }

    fn moment(&self, days: u64) -> Result<String> {
        let sql = format!(
            "select to_char(('{START}'::timestamptz + interval '{days} days') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        self.value(&sql)
    }

    /// The only value of an answer.
    fn value(&self, sql: &str) -> Result<String> {
        let rows = self.server.try_sql("postgres", sql)?;
        let text = rows.first().and_then(|row| row.first()).cloned().flatten();
        text.context("no value")
    }

    /// A copy of a database, and what is to be done to it: with a policy that takes a share of its rows.
    fn copy(&self, base: &str, strategy: Option<(&str, u64)>) -> Result<&'static str> {
        const COPY: &str = "measured";
        self.server.try_sql(
            "postgres",
            &format!("drop database if exists {COPY} with (force)"),
        )?;
        self.server
            .try_sql("postgres", &format!("create database {COPY} template {base}"))?;
        self.server.try_sql("postgres", "checkpoint")?;
        if let Some((strategy, share)) = strategy {
            let keep = self.size.days - self.size.days / share;
            let policy = format!("public.readings:time {strategy} {keep}d");
            process::capture(self.command("retention", &["add", &policy]).arg("--name=bench"))?;
        }
        Ok(COPY)
    }

    /// A command of ours about the copy.
    fn command(&self, noun: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.ostler);
        command
            .arg(noun)
            .args(words)
            .arg(format!("--dsn={}", self.server.url("measured")))
            .env("OSTLER_STATE_DIR", self.work.join("state"));
        command
    }

    /// A run of the policy.
    fn ageing(&self) -> Result<Command> {
        let end = format!("--cutoff={}", self.moment(self.size.days)?);
        Ok(self.command("retention", &["run", &end, "--yes", "--min-keep=0"]))
    }

    fn psql(&self, statement: &str) -> Result<Command> {
        let mut command = self
            .server
            .tool("psql", "measured")
            .context("psql is not to be had")?;
        command.args(["-qXAt", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        Ok(command)
    }

    fn wall(&self, command: &Command) -> Result<f64> {
        Ok(used(command, &self.work.join("last.log"))?.wall)
    }

    fn left(&self) -> Result<String> {
        process::capture(&mut self.psql("select count(*) from readings")?)
    }

    fn dropped(&self, rows: &mut Rows) -> Result<()> {
        let scenario = "half of the partitions go";
        self.copy(PARTED, None)?;
        let delete = format!("delete from readings where time < '{}'", self.before(2)?);
        let peer = self.wall(&self.psql(&delete)?)?;
        let left = self.left()?;
        self.copy(PARTED, Some(("drop", 2)))?;
        let ours = self.wall(&self.ageing()?)?;
        ensure!(left == self.left()?, "both leave the same rows");
        rows.add(scenario, "s", "DELETE", peer, peer);
        rows.add(scenario, "s", "drop", peer, ours);
        Ok(())
    }

    fn archived(&self, rows: &mut Rows) -> Result<()> {
        let scenario = "a tenth of the partitions is kept";
        self.copy(PARTED, None)?;
        let file = self.work.join("copy.zst");
        let copy = format!(
            "copy (select * from readings where time < '{}') to stdout",
            self.before(10)?
        );
        let psql = self.psql(&copy)?;
        let mut peer = Command::new("sh");
        peer.args(["-c", "\"$@\" | zstd -q -f -o \"$0\""])
            .arg(&file)
            .arg(psql.get_program())
            .args(psql.get_args());
        for (name, value) in psql.get_envs() {
            peer.env(name, value.unwrap_or_default());
        }
        let peer = self.wall(&peer)?;
        let shelf = self.work.join("shelf");
        if shelf.exists() {
            std::fs::remove_dir_all(&shelf)?;
        }
        self.copy(PARTED, Some((&format!("archive:{}", shelf.display()), 10)))?;
        let whole = self.wall(&self.ageing()?)?;
        rows.add(scenario, "s", "COPY to zstd", peer, peer);
        rows.add(
            scenario,
            "s",
            "archive, to the manifests",
            peer,
            self.steps("archive")?,
        );
        rows.add(
            scenario,
            "s",
            "archive, read back",
            peer,
            self.steps("read back")?,
        );
        rows.add(scenario, "s", "archive, all with the drop", peer, whole);
        Ok(())
    }

    /// Seconds of all steps of a name in the last operation.
    fn steps(&self, name: &str) -> Result<f64> {
        let asked = |words: &[&str]| -> Result<Value> {
            let mut command = Command::new(&self.ostler);
            command
                .args(words)
                .arg("--output=json")
                .env("OSTLER_STATE_DIR", self.work.join("state"));
            Ok(serde_json::from_str(&process::capture(&mut command)?)?)
        };
        let list = asked(&["operation", "list"])?;
        let id = list["operations"][0]["id"]
            .as_str()
            .context("no operation")?
            .to_owned();
        let shown = asked(&["operation", "show", &id])?;
        let mut seconds = 0.0;
        for step in shown["steps"].as_array().context("no steps")? {
            let named = step["name"].as_str().unwrap_or_default();
            let is_named = named
                .strip_prefix(name)
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
            if is_named && let (Some(from), Some(to)) = (step["started"].as_str(), step["ended"].as_str()) {
                let sql = format!("select extract(epoch from '{to}'::timestamptz - '{from}'::timestamptz)");
                seconds += self.value(&sql)?.parse::<f64>().context("seconds")?;
            }
        }
        ensure!(seconds > 0.0, "operation {id} has no step `{name}`");
        Ok(seconds)
    }

    fn downsampled(&self, rows: &mut Rows) -> Result<()> {
        let scenario = "all rows summed up by hour and host";
        let end = format!("--until={}", self.moment(self.size.days)?);
        let define = [
            "add",
            "sums",
            "public.readings:time",
            "--by=host",
            "--gauge=v",
            "--gauge=w",
            "--level=1h",
        ];
        self.copy(PLAIN, None)?;
        process::capture(&mut self.command("rollup", &define))?;
        let plan = self.command("rollup", &["refresh", "sums", &end, "--dry-run", "--output=json"]);
        let plan: Value = serde_json::from_str(&process::capture(&mut { plan })?)?;
        let statements = plan["work"]["items"][0]["statements"]
            .as_array()
            .context("no statements")?;
        let bare = statements
            .iter()
            .filter_map(Value::as_str)
            .find(|text| text.to_lowercase().contains("insert into"));
        let peer = self.wall(&self.psql(bare.context("no INSERT")?)?)?;
        self.copy(PLAIN, None)?;
        process::capture(&mut self.command("rollup", &define))?;
        let ours = self.wall(&self.command("rollup", &["refresh", "sums", &end]))?;
        rows.add(scenario, "s", "INSERT … SELECT", peer, peer);
        rows.add(scenario, "s", "rollup refresh", peer, ours);
        Ok(())
    }
}
