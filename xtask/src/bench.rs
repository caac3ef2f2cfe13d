//! `bench first-backup`, `s3`, `queue` and `retention`: side by side with peers on the same data, in turn, several rounds; `scale`: how large
//! vaults fare; `serve`: how fast pages are;
//! `agents`: a cluster of a thousand nodes; `cluster`: three agents beside one backup of the same files; `cassandra`: a ring's
//! beside cassandra-medusa. The recipes and the results are in `benches/README.md`.

mod agents;
mod cassandra;
mod cluster;
mod compared;
mod contender;
mod delay;
mod generator;
mod given;
mod history;
mod measure;
mod options;
mod pairs;
mod queue;
mod retention;
mod s3;
mod same;
mod scale;
mod serve;
mod stand;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};
use contender::{Contender, Name};
use measure::Measurement;
use options::Options;

const ALL: &str =
    "`agents`, `cassandra`, `cluster`, `first-backup`, `queue`, `retention`, `s3`, `scale` and `serve`";
const SEED: u64 = 20_261_121;

/// One thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Into an empty repository.
    First,
    /// Again, nothing changed.
    Unchanged,
    /// Again, after a twentieth was appended to every file.
    Appended,
    /// Into an empty directory.
    Restore,
}

impl Scenario {
    fn as_str(self) -> &'static str {
        match self {
            Self::First => "first backup",
            Self::Unchanged => "unchanged",
            Self::Appended => "5 % appended",
            Self::Restore => "full restore",
        }
    }
}

/// The measurements of one program in one scenario on one set.
pub struct Row {
    set: &'static str,
    scenario: Scenario,
    name: Name,
    rounds: Vec<Measurement>,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    if cfg!(debug_assertions) {
        // The generator is slow without optimisation; the cheap build of this program is for everything else.
        let mut again = workspace::cargo();
        again
            .args(["run", "--quiet", "--release", "-p", "xtask", "--", "bench"])
            .args(arguments);
        return process::run(&mut again);
    }
    let Some((name, rest)) = arguments.split_first() else {
        bail!("bench: which one? There are {ALL}")
    };
    match name.as_str() {
        "agents" => agents::run(rest),
        "cassandra" => cassandra::run(rest),
        "cluster" => cluster::run(rest),
        "first-backup" => first_backup(&Options::first_backup(rest)?),
        "queue" => queue::run(rest),
        "retention" => retention::run(rest),
        "s3" => s3::run(rest),
        "scale" => scale::run(rest),
        "serve" => serve::run(rest),
        other => bail!("there is no bench `{other}`; there are {ALL}"),
    }
}

/// Restored trees of small files stay here until all of the set is measured: for minutes after many files were removed, ext4 makes new
/// ones slowly (it does not give out the inodes again at once), which whoever comes next would pay for.
const RESTORED: &str = "restored";

fn first_backup(options: &Options) -> Result<()> {
    let work = &options.work;
    fs::create_dir_all(work)?;
    let contenders = options
        .names
        .iter()
        .map(|name| Contender::get(*name, work))
        .collect::<Result<Vec<_>>>()?;
    let setting = table::Setting {
        machine: machine(),
        programs: contenders.iter().map(Contender::version).collect::<Result<_>>()?,
    };
    eprintln!("{setting}");
    let mut rows = Vec::new();
    for set in &options.sets {
        let source = work.join(set);
        if source.exists() {
            fs::remove_dir_all(&source)?;
        }
        match *set {
            "large" => generator::large(&source, options.size, SEED)?,
            _ => generator::small(&source, options.files, SEED)?,
        }
        eprintln!("{set}: {} bytes", measure::size_of(&source)?);
        for round in 1..=options.rounds {
            one_round(options, set, &source, &contenders, round, &mut rows)?;
        }
        fs::remove_dir_all(&source)?;
        fs::remove_dir_all(work.join(RESTORED))?;
        for contender in &contenders {
            fs::remove_dir_all(work.join(contender.name.as_str()))?;
        }
    }
    if options.json {
        println!("{}", table::document(&setting, &rows));
    } else {
        print!("{}", table::markdown(&setting, &rows));
    }
    Ok(())
}

/// Cores, and what kind.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let described = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = described
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cores} cores, {}", model.map_or("unknown", |(_, model)| model))
}

fn one_round(
    options: &Options,
    set: &'static str,
    source: &Path,
    contenders: &[Contender],
    round: usize,
    rows: &mut Vec<Row>,
) -> Result<()> {
    for contender in contenders {
        contender.start_anew()?;
    }
    // Whoever comes first finds another machine than whoever comes last, so the order changes.
    let mut order: Vec<&Contender> = contenders.iter().collect();
    order.rotate_left((round - 1) % contenders.len());
    let mut scenarios = vec![Scenario::First, Scenario::Unchanged, Scenario::Restore];
    if set == "large" {
        scenarios.insert(2, Scenario::Appended);
    }
    for scenario in scenarios {
        if scenario == Scenario::Appended {
            generator::grow(source, options.size, SEED)?;
        }
        for contender in &order {
            let name = contender.name.as_str();
            let target = options.work.join(RESTORED).join(format!("{set}-{round}-{name}"));
            let command = match scenario {
                Scenario::Restore => contender.restore(source, &target),
                _ => contender.backup(source),
            };
            let taken = measure::measure(&command, &contender.repository(), &contender.log())?;
            eprintln!(
                "{set}, round {round}, {}: {} {:.1} s",
                scenario.as_str(),
                name,
                taken.wall
            );
            if scenario == Scenario::Restore && round == 1 {
                same::check(source, &contender.restored(source, &target))
                    .with_context(|| format!("{} restored something else", contender.name.as_str()))?;
            }
            if scenario == Scenario::Restore && set == "large" {
                // Few files of many bytes: they are not slow to remove, and nine trees would want 40 GiB.
                fs::remove_dir_all(&target)?;
            }
            record(rows, set, scenario, contender.name, taken);
        }
    }
    if set == "large" {
        generator::shrink(source, options.size)?;
    }
    Ok(())
}

fn record(rows: &mut Vec<Row>, set: &'static str, scenario: Scenario, name: Name, taken: Measurement) {
    let same = |row: &&mut Row| row.set == set && row.scenario == scenario && row.name == name;
    match rows.iter_mut().find(same) {
        Some(row) => row.rounds.push(taken),
        None => rows.push(Row {
            set,
            scenario,
            name,
            rounds: vec![taken],
        }),
    }
}
