//! `bench s3`: the sets of `first-backup` on one S3 service on loopback, beside restic and rustic; with `--delay 50` every
//! request waits so many milliseconds. The recipe and the results are in `benches/README.md`.

pub mod remote;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ostler_testkit::servers::SeaweedFs;
use serde_json::{Value, json};

use super::contender::Name;
use super::delay::Delay;
use super::generator;
use super::measure::{self, Measurement};
use super::options::Options;
use super::{SEED, machine};
use remote::Remote;

/// What is done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    First,
    Unchanged,
    /// After some was added.
    Changed,
    RestoreOne,
    /// Only the newest stays.
    Prune,
}

impl Scenario {
    const ALL: [Self; 5] = [
        Self::First,
        Self::Unchanged,
        Self::Changed,
        Self::RestoreOne,
        Self::Prune,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::First => "first backup",
            Self::Unchanged => "unchanged",
            Self::Changed => "5 % added",
            Self::RestoreOne => "restore of one file",
            Self::Prune => "prune to one backup",
        }
    }
}

struct Row {
    set: &'static str,
    scenario: Scenario,
    name: Name,
    rounds: Vec<(Measurement, u64)>,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let options = Options::s3(arguments)?;
    fs::create_dir_all(&options.work)?;
    let service = SeaweedFs::start()?;
    let address = service.endpoint().trim_start_matches("http://").parse()?;
    let proxy = Delay::start(address, options.delay)?;
    let remotes: Vec<Remote> = options
        .names
        .iter()
        .map(|name| Remote::get(*name, &options.work, &proxy.endpoint()))
        .collect::<Result<_>>()?;
    let mut rows = Vec::new();
    for set in &options.sets {
        let source = options.work.join(format!("s3-{set}"));
        for round in 1..=options.rounds {
            if source.exists() {
                fs::remove_dir_all(&source)?;
            }
            make(set, &source, &options)?;
            one_round(&options, set, &source, &remotes, &proxy, round, &mut rows)?;
        }
        fs::remove_dir_all(&source)?;
    }
    for remote in &remotes {
        remote.clear()?;
    }
    if options.json {
        println!("{}", document(&options, &rows));
    } else {
        print!("{}", markdown(&options, &rows));
    }
    Ok(())
}

fn make(set: &str, source: &Path, options: &Options) -> Result<()> {
    match set {
        "large" => generator::large(source, options.size, SEED),
        _ => generator::small(source, options.files, SEED),
    }
}

fn one_round(
    options: &Options,
    set: &'static str,
    source: &Path,
    remotes: &[Remote],
    proxy: &Delay,
    round: usize,
    rows: &mut Vec<Row>,
) -> Result<()> {
    for remote in remotes {
        remote.start_anew(&format!("{set}-{round}"))?;
    }
    let mut order: Vec<&Remote> = remotes.iter().collect();
    order.rotate_left((round - 1) % remotes.len());
    let one = first_file(source)?;
    for scenario in Scenario::ALL {
        if scenario == Scenario::Changed {
            match set {
                "large" => generator::grow(source, options.size, SEED)?,
                _ => generator::small(&source.join("more"), options.files / 20, SEED + 1)?,
            }
        }
        for remote in &order {
            let target = remote.home().join("restored");
            let command = match scenario {
                Scenario::RestoreOne => remote.restore_one(source, &one, &target),
                Scenario::Prune => remote.prune(),
                _ => remote.backup(source),
            };
            proxy.requests();
            let taken = measure::measure(&command, &remote.home(), &remote.log())?;
            let requests = proxy.requests();
            eprintln!(
                "{set}, round {round}, {}: {} {:.2} s, {requests} requests",
                scenario.as_str(),
                remote.name.as_str(),
                taken.wall
            );
            let same = |row: &&mut Row| row.set == set && row.scenario == scenario && row.name == remote.name;
            match rows.iter_mut().find(same) {
                Some(row) => row.rounds.push((taken, requests)),
                None => rows.push(Row {
                    set,
                    scenario,
                    name: remote.name,
                    rounds: vec![(taken, requests)],
                }),
            }
        }
    }
    Ok(())
}

/// A file to restore by itself: the last of the first directory.
fn first_file(folder: &Path) -> Result<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    match entries.last() {
        Some(last) if last.is_dir() => first_file(last),
        Some(last) => Ok(last.clone()),
        None => bail!("{} is empty", folder.display()),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median over the rounds of this program's time divided by ostler's.
fn times_ostler(rows: &[Row], row: &Row) -> Option<f64> {
    let ours = rows
        .iter()
        .find(|other| other.name == Name::Ostler && other.set == row.set && other.scenario == row.scenario)?;
    let ratios = row.rounds.iter().zip(&ours.rounds);
    Some(median(
        ratios
            .map(|((theirs, _), (ours, _))| theirs.wall / ours.wall)
            .collect(),
    ))
}

fn markdown(options: &Options, rows: &[Row]) -> String {
    let mut text = format!(
        "{}; {} ms a request\n\n| set | scenario | program | wall s | CPU s | peak MiB | requests | times as long as ostler |\n\
         |---|---|---|---:|---:|---:|---:|---:|\n",
        machine(),
        options.delay.as_millis()
    );
    for row in rows {
        let of = |value: fn(&Measurement) -> f64| {
            median(row.rounds.iter().map(|(taken, _)| value(taken)).collect())
        };
        let requests = median(row.rounds.iter().map(|(_, requests)| *requests as f64).collect());
        let ratio = times_ostler(rows, row).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {:.0} | {requests:.0} | {ratio} |",
            row.set,
            row.scenario.as_str(),
            row.name.as_str(),
            of(|taken| taken.wall),
            of(|taken| taken.cpu),
            of(|taken| taken.peak as f64 / 1_048_576.0),
        );
    }
    text
}

fn document(options: &Options, rows: &[Row]) -> Value {
    let rounds = |row: &Row| -> Vec<Value> {
        let each = row.rounds.iter();
        each.map(|(taken, requests)| json!({"taken": taken.document(), "requests": requests}))
            .collect()
    };
    let results: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"set": row.set, "scenario": row.scenario.as_str(), "program": row.name.as_str(),
                "times_ostler": times_ostler(rows, row), "rounds": rounds(row)})
        })
        .collect();
    json!({"machine": machine(), "delay_ms": options.delay.as_millis() as u64, "results": results})
}
