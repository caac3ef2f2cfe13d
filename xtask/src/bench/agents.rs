//! `bench agents`: one coordinator and many agents, each a process with a socket, a certificate and a root of its own: how long
//! asking all of them takes, how many requests that is, and how much memory the coordinator needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::contender;
use super::given::Given;
use super::measure::{Measurement, used};
use super::stand::{Plan, Stand, node};
use crate::workspace;

/// Before the kind of a request, in what agents log.
const ASKED: &str = "asked to ";

/// What was asked for.
struct Wanted {
    nodes: u32,
    files: u32,
    work: PathBuf,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut wanted = Self {
            nodes: 1000,
            files: 4,
            work: workspace::target_directory().join("bench"),
        };
        for given in Given::all("agents", arguments)? {
            match given.name {
                "--nodes" => wanted.nodes = given.number()?,
                "--files" => wanted.files = given.number()?,
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
    let work = wanted.work.join("agents");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let nodes = work.join("nodes");
    (0..wanted.nodes).try_for_each(|number| fill(&nodes, number, wanted.files))?;
    let stand = Stand::start(
        contender::ostler()?,
        work.join("home"),
        &Plan::of_files(&nodes, wanted.nodes),
    )?;
    println!(
        "{}; {} agents with {} files each\n",
        super::machine(),
        wanted.nodes,
        wanted.files
    );
    println!("| operation | s | processor s | peak MiB | requests to agents |");
    println!("|---|---:|---:|---:|---|");
    row(&stand, "status", &["cluster", "status", "shop"])?;
    row(&stand, "first backup", &["backup", "create", "--cluster", "shop"])?;
    row(&stand, "unchanged", &["backup", "create", "--cluster", "shop"])?;
    for number in 0..wanted.nodes {
        fs::remove_dir_all(nodes.join(node(number)))?;
        fs::create_dir_all(nodes.join(node(number)))?;
    }
    row(
        &stand,
        "restore onto all",
        &["restore", "latest", "--cluster", "shop"],
    )?;
    for number in 0..wanted.nodes {
        let name = nodes.join(node(number)).join("name");
        let content = fs::read_to_string(&name).with_context(|| format!("reading {}", name.display()))?;
        ensure!(content == node(number), "{} has {content}", name.display());
    }
    Ok(())
}

fn fill(nodes: &Path, number: u32, files: u32) -> Result<()> {
    let root = nodes.join(node(number));
    fs::create_dir_all(&root)?;
    fs::write(root.join("name"), node(number))?;
    for file in 1..files {
        fs::write(
            root.join(format!("f{file}")),
            format!("{file} of {number}\n").repeat(400),
        )?;
    }
    Ok(())
}

fn row(stand: &Stand, name: &str, words: &[&str]) -> Result<()> {
    let before = fs::metadata(stand.log())?.len();
    let Measurement { wall, cpu, peak, .. } = used(&stand.command(words), &stand.said())?;
    let asked = asked(stand, usize::try_from(before)?)?;
    println!("| {name} | {wall:.1} | {cpu:.1} | {} | {asked} |", peak >> 20);
    Ok(())
}

/// What was asked of agents since their log was so long.
fn asked(stand: &Stand, from: usize) -> Result<String> {
    let log = fs::read(stand.log())?;
    let log = String::from_utf8_lossy(log.get(from..).unwrap_or_default());
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for line in log.lines() {
        let asked = line
            .split_once(ASKED)
            .and_then(|(_, rest)| rest.split(' ').next());
        if let Some(kind) = asked {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let told = kinds.iter().map(|(kind, number)| format!("{kind} {number}"));
    Ok(told.collect::<Vec<_>>().join(", "))
}
