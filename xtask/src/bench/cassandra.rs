//! `bench cassandra`: a ring of three nodes, each with a copy of every row, backed up and restored by agents beside its nodes and by
//! cassandra-medusa with local storage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ostler_testkit::install::cassandra::Release;
use ostler_testkit::servers::cassandra::Ring;

use super::given::Given;
use super::measure::{measure, size_of};
use super::pairs::{self, Pair, SCENARIOS};
use super::stand::{Plan, Stand};
use super::{Scenario, contender};
use crate::{process, workspace};

const MEDUSA: &str = "cassandra-medusa==0.31.0";
const FILL: &str = include_str!("cassandra/fill.py");
const NODES: usize = 3;
/// Of a row that is written.
const ROW: u64 = 8 << 10;

/// What was asked for.
struct Wanted {
    /// Of all replicas together.
    mebibytes: u64,
    rounds: usize,
    work: PathBuf,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut wanted = Self {
            mebibytes: 2048,
            rounds: 3,
            work: workspace::target_directory().join("bench"),
        };
        for given in Given::all("cassandra", arguments)? {
            match given.name {
                "--mebibytes" => wanted.mebibytes = given.number()?,
                "--rounds" => wanted.rounds = given.rounds()?,
                "--work" => wanted.work = given.value.into(),
                _ => given.unknown()?,
            }
        }
        Ok(wanted)
    }

    fn rows(&self) -> u64 {
        (self.mebibytes << 20) / ROW / NODES as u64
    }
}

/// The ring, and what stands beside it.
struct Bench {
    ring: Ring,
    ostler: PathBuf,
    medusa: Medusa,
}

/// cassandra-medusa, as it is set up on every node.
struct Medusa {
    programs: PathBuf,
    work: PathBuf,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = Wanted::parse(arguments)?;
    let work = wanted.work.join("cassandra");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let ostler = contender::ostler()?;
    let programs = contender::from_pypi(MEDUSA, &wanted.work)?;
    let mut ring = Ring::new(Release::Five)?;
    ring.start()?;
    let medusa = Medusa { programs, work };
    let mut bench = Bench { ring, ostler, medusa };
    let rows = bench.fill(wanted.rows())?;
    let tables = bench.size("shop")?;
    let mut pairs: [Vec<Pair>; SCENARIOS.len()] = Default::default();
    let mut stand = None;
    for round in 0..wanted.rounds {
        drop(stand.take());
        let begun = bench.stand()?;
        bench.medusa.start_anew()?;
        for scenario in [Scenario::First, Scenario::Unchanged] {
            let name = format!("{}-{round}", scenario as u8);
            let taken = bench.both(
                round,
                &begun.command(&["backup", "create", "--cluster", "shop"]),
                &bench.medusa.all(&format!("backup-node --backup-name {name}")),
                &begun,
            )?;
            pairs[scenario as usize].push(taken);
        }
        stand = Some(begun);
    }
    let stand = stand.context("a round")?;
    bench.ring.stop();
    for round in 0..wanted.rounds {
        for node in 0..NODES {
            bench.ring.wipe(node)?;
        }
        let latest = format!("{}-{}", Scenario::Unchanged as u8, wanted.rounds - 1);
        let target = bench.medusa.work.join(format!("restored-{round}"));
        (0..NODES).try_for_each(|node| fs::create_dir_all(target.join(format!("n{node}"))))?;
        let download = format!(
            "download --backup-name {latest} --download-destination {}/$node",
            target.display()
        );
        let taken = bench.both(
            round,
            &stand.command(&["restore", "latest", "--cluster", "shop"]),
            &bench.medusa.all(&download),
            &stand,
        )?;
        ensure!(size_of(&target)? >= tables, "medusa has brought less");
        fs::remove_dir_all(&target)?;
        pairs[2].push(taken);
    }
    process::capture(&mut stand.command(&["backup", "prune", "--yes"]))?;
    let pruned = size_of(&stand.vault())?;
    bench.ring.start()?;
    ensure!(bench.python(0)? == rows, "rows are missing after the restore");
    bench.ring.stop();
    println!(
        "{}; {} rows, {} MiB in the table on all nodes together\n",
        super::machine(),
        rows,
        tables >> 20
    );
    pairs::print("ostler", "medusa", &pairs);
    println!(
        "\nOnce pruned, what several nodes have is stored once: {} MiB",
        pruned >> 20
    );
    Ok(())
}

impl Bench {
    /// Writes so many rows, and has every node write them into SSTables that stay as they are.
    fn fill(&self, rows: u64) -> Result<u64> {
        let counted = self.python(rows)?;
        ensure!(counted == rows, "{counted} rows of {rows} were written");
        for node in 0..NODES {
            for verb in ["flush", "compact shop", "disableautocompaction"] {
                let command = format!("{} {verb}", self.ring.nodetool(node)?);
                process::capture(Command::new("sh").args(["-c", &command]))?;
            }
        }
        // Files that a compaction has replaced go a moment later.
        std::thread::sleep(Duration::from_secs(5));
        Ok(rows)
    }

    /// Writes rows, and counts those that are there.
    fn python(&self, rows: u64) -> Result<u64> {
        let host = self.ring.host(0);
        let mut python = Command::new(self.medusa.programs.join("python"));
        let counted = process::capture(python.args(["-c", FILL, host]).arg(rows.to_string()))?;
        counted.trim().parse().context("a number of rows")
    }

    /// Bytes of a keyspace on all nodes.
    fn size(&self, keyspace: &str) -> Result<u64> {
        (0..NODES)
            .map(|node| size_of(&self.ring.data(node).join(keyspace)))
            .sum()
    }

    /// Agents beside the nodes, with an empty vault.
    fn stand(&self) -> Result<Stand> {
        let adjust = |settings: &Path| -> Result<()> {
            let own = settings.join("config.toml");
            let mut text = fs::read_to_string(&own)?;
            for node in 0..NODES {
                let table = format!("[cluster.shop.node.n{node}]\n");
                let database = format!("{table}database = \"{}\"\n", self.ring.address(node));
                text = text.replace(&table, &database);
                let file = settings.join(format!("clusters/shop/nodes/n{node}/agent.toml"));
                let mut agent = fs::read_to_string(&file)?;
                for verb in ["snapshot", "clearsnapshot", "flush", "import"] {
                    let command = format!("ostler cassandra {verb}");
                    let here = format!("{command} {}", self.ring.jmx_options(node));
                    agent = agent.replace(&command, &here);
                }
                fs::write(&file, agent)?;
                self.medusa.configure(&self.ring, node, &self.nodetool(node)?)?;
            }
            Ok(fs::write(own, text)?)
        };
        let home = self.ring.home(0);
        let plan = Plan {
            nodes: (0..NODES).map(|node| format!("n{node}")).collect(),
            root: home.parent().context("a ring's home")?.join("{node}/data"),
            words: &["--driver", "cassandra"],
            adjust: &adjust,
        };
        Stand::start(self.ostler.clone(), self.medusa.work.join("home"), &plan)
    }

    /// A program that is the `nodetool` of a node.
    fn nodetool(&self, node: usize) -> Result<PathBuf> {
        let program = self.medusa.work.join(format!("n{node}-nodetool"));
        fs::write(
            &program,
            format!("#!/bin/sh\nexec {} \"$@\"\n", self.ring.nodetool(node)?),
        )?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(program)
    }

    /// One after the other, each the first in every second round.
    fn both(&self, round: usize, ours: &Command, theirs: &Command, stand: &Stand) -> Result<Pair> {
        let us = || measure(ours, &stand.vault(), &stand.said());
        let them = || measure(theirs, &self.medusa.store(), &self.medusa.work.join("medusa.log"));
        Pair::in_turn(round, us, them)
    }
}

impl Medusa {
    fn store(&self) -> PathBuf {
        self.work.join("store")
    }

    fn start_anew(&self) -> Result<()> {
        if self.store().exists() {
            fs::remove_dir_all(self.store())?;
        }
        Ok(fs::create_dir_all(self.store())?)
    }

    fn configure(&self, ring: &Ring, node: usize, nodetool: &Path) -> Result<()> {
        let (work, nodetool) = (self.work.display(), nodetool.display());
        // It asks without TLS, which the ring has on the usual port.
        let yaml = fs::read_to_string(ring.home(node).join("conf/cassandra.yaml"))?;
        let plain: Vec<&str> = yaml
            .lines()
            .filter(|line| !line.starts_with("client_encryption_options") && !line.contains("port_ssl"))
            .collect();
        fs::write(self.work.join(format!("n{node}.yaml")), plain.join("\n"))?;
        let host = ring.host(node);
        fs::write(
            self.work.join(format!("n{node}.ini")),
            format!(
                "[cassandra]\nconfig_file = {work}/n{node}.yaml\nnodetool_executable = {nodetool}\nnodetool_flags =\n\
                 check_running = {nodetool} version\nresolve_ip_addresses = False\nuse_sudo = False\n\n\
                 [storage]\nstorage_provider = local\nbucket_name = backups\nbase_path = {work}/store\nfqdn = {host}\n\
                 use_sudo_for_restore = False\n"
            ),
        )?;
        Ok(())
    }

    /// The same verb on all nodes at once, in which `$node` is one's name.
    fn all(&self, verb: &str) -> Command {
        let (medusa, work) = (self.programs.join("medusa"), self.work.display());
        let medusa = medusa.display();
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!(
            "for node in n0 n1 n2; do {medusa} --config-file {work}/$node.ini {verb} & all=\"$all $!\"; done; \
             for one in $all; do wait $one || exit 1; done"
        ));
        command
    }
}
