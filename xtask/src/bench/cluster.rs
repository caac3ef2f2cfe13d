//! `bench cluster`: a coordinator and three agents that share one machine, beside one `backup create` of the same files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::contender::{Contender, Name};
use super::given::Given;
use super::measure::measure;
use super::pairs::{self, Pair, SCENARIOS};
use super::stand::{Plan, Stand, node};
use super::{SEED, Scenario, generator, same};
use crate::workspace;

const AGENTS: u32 = 3;

/// What was asked for.
struct Wanted {
    /// Of all nodes together.
    files: u64,
    rounds: usize,
    work: PathBuf,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut wanted = Self {
            files: 100_000,
            rounds: 3,
            work: workspace::target_directory().join("bench"),
        };
        for given in Given::all("cluster", arguments)? {
            match given.name {
                "--files" => wanted.files = given.number()?,
                "--rounds" => wanted.rounds = given.rounds()?,
                "--work" => wanted.work = given.value.into(),
                _ => given.unknown()?,
            }
        }
        Ok(wanted)
    }
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = Wanted::parse(arguments)?;
    let work = wanted.work.join("cluster");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let nodes = work.join("nodes");
    for number in 0..AGENTS {
        let files = wanted.files / u64::from(AGENTS);
        generator::small(&nodes.join(node(number)), files, SEED + u64::from(number))?;
    }
    let alone = Contender::get(Name::Ostler, &work)?;
    let mut pairs: [Vec<Pair>; SCENARIOS.len()] = Default::default();
    for round in 0..wanted.rounds {
        alone.start_anew()?;
        let plan = Plan::of_files(&nodes, AGENTS);
        let stand = Stand::start(alone.program().to_owned(), work.join("home"), &plan)?;
        for (scenario, pairs) in SCENARIOS.into_iter().zip(&mut pairs) {
            let kept = work.join(format!("restored-{round}"));
            let pair = compare(&alone, &stand, scenario, (&nodes, &kept), round)?;
            pairs.push(pair);
        }
    }
    println!(
        "{}; {}; {} files, {AGENTS} agents\n",
        super::machine(),
        alone.version()?,
        wanted.files
    );
    pairs::print("cluster", "alone", &pairs);
    fs::remove_dir_all(&work)?;
    Ok(())
}

/// Both do the same, one after the other, each the first in every second round. What was there before a restore is kept until the
/// end: for minutes after many files were removed, ext4 makes new ones slowly.
fn compare(
    alone: &Contender,
    stand: &Stand,
    scenario: Scenario,
    (nodes, kept): (&Path, &Path),
    round: usize,
) -> Result<Pair> {
    let (before, target) = (kept.join("before"), kept.join("alone"));
    let on_its_own = || {
        let command = match scenario {
            Scenario::Restore => alone.restore(nodes, &target),
            _ => alone.backup(nodes),
        };
        measure(&command, &alone.repository(), &alone.log())
    };
    let together = || {
        let words: &[&str] = match scenario {
            Scenario::Restore => &["restore", "latest", "--cluster", "shop"],
            _ => &["backup", "create", "--cluster", "shop"],
        };
        measure(&stand.command(words), &stand.vault(), &stand.said())
    };
    if scenario == Scenario::Restore {
        fs::create_dir_all(&before)?;
        for number in 0..AGENTS {
            fs::rename(nodes.join(node(number)), before.join(node(number)))?;
            fs::create_dir(nodes.join(node(number)))?;
        }
    }
    let pair = Pair::in_turn(round, together, on_its_own)?;
    if scenario == Scenario::Restore && round == 0 {
        same::check(&before, nodes).context("the cluster restored something else")?;
        same::check(&before, &target).context("the one backup restored something else")?;
    }
    Ok(pair)
}
