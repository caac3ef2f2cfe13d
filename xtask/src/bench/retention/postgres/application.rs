//! An application that goes on while rows are deleted: `pgbench`, with the latency of each of its transactions.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::{Bench, PLAIN};
use crate::bench::compared::Rows;
use crate::process;

/// Rows of `pgbench` by the hundred thousand.
const SCALE: &str = "20";
/// Seconds of one look.
const LOOK: u64 = 4;

impl Bench {
    pub(super) fn deleted(&self, rows: &mut Rows) -> Result<()> {
        let delete = format!("delete from readings where time < '{}'", self.before(4)?);
        self.copy(PLAIN, None)?;
        self.application()?;
        let calm = p99(self.look(self.size.seconds)?)?;
        let (plain, plain_rate) = self.beside(self.psql(&delete)?)?;
        self.copy(PLAIN, Some(("delete", 4)))?;
        self.application()?;
        let (ours, our_rate) = self.beside(self.ageing()?)?;
        let scenario = "99th percentile of an application's transactions";
        rows.add(scenario, "ms", "undisturbed", calm, calm);
        rows.add(scenario, "ms", "beside DELETE", calm, plain);
        rows.add(scenario, "ms", "beside delete of ostler", calm, ours);
        let scenario = "rows deleted beside the application";
        rows.add(scenario, "rows/s", "DELETE", plain_rate, plain_rate);
        rows.add(scenario, "rows/s", "delete of ostler", plain_rate, our_rate);
        Ok(())
    }

    /// Its tables.
    fn application(&self) -> Result<()> {
        let mut make = self.pgbench()?;
        process::capture(make.args(["-i", "-q", "-s", SCALE]).stderr(Stdio::null()))?;
        Ok(())
    }

    fn pgbench(&self) -> Result<Command> {
        self.server
            .tool("pgbench", "measured")
            .context("pgbench is not to be had")
    }

    /// Latencies of its transactions for so many seconds, in ms.
    fn look(&self, seconds: u64) -> Result<Vec<f64>> {
        let logs = self.work.join("pgbench");
        if logs.exists() {
            fs::remove_dir_all(&logs)?;
        }
        fs::create_dir_all(&logs)?;
        let mut command = self.pgbench()?;
        command
            .args([
                "-n",
                "-N",
                "-c",
                "4",
                "-j",
                "1",
                "--rate=400",
                "-l",
                "-T",
                &seconds.to_string(),
            ])
            .arg(format!("--log-prefix={}", logs.join("log").display()));
        process::capture(&mut command)?;
        let mut all = Vec::new();
        for log in fs::read_dir(&logs)? {
            for line in fs::read_to_string(log?.path())?.lines() {
                let microseconds: f64 = line.split(' ').nth(2).context("a latency")?.parse()?;
                all.push(microseconds / 1000.0);
            }
        }
        Ok(all)
    }

    /// The same while a command deletes a quarter of the rows, and how many of them a second.
    fn beside(&self, mut delete: Command) -> Result<(f64, f64)> {
        let log = fs::File::create(self.work.join("delete.log"))?;
        let start = Instant::now();
        let mut child = delete
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let waiter = thread::spawn(move || (child.wait(), start.elapsed()));
        let mut all = Vec::new();
        loop {
            let found = self.look(LOOK)?;
            let is_over = waiter.is_finished();
            // What was looked at after its end counts only where nothing else was looked at.
            if !is_over || all.is_empty() {
                all.extend(found);
            }
            if is_over {
                break;
            }
        }
        let Ok((status, lasted)) = waiter.join() else {
            bail!("nobody waited for what deletes")
        };
        let (status, seconds) = (status?, lasted.as_secs_f64());
        ensure!(status.success(), "what deletes ended with {status}");
        Ok((p99(all)?, self.size.rows as f64 / 4.0 / seconds))
    }
}

fn p99(mut latencies: Vec<f64>) -> Result<f64> {
    ensure!(latencies.len() > 200, "the application did too little");
    latencies.sort_by(f64::total_cmp);
    Ok(latencies[latencies.len() * 99 / 100])
}
