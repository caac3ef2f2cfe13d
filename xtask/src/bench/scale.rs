//! `bench scale`: an index of very many chunks, a backup of very many files, collection after very many backups. What is
//! simulated is said in `benches/README.md`.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::contender::Name;
use super::given::Given;
use super::history::{self, History};
use crate::{process, workspace};

/// A vault of 100 TiB in chunks of 1 MiB.
const CHUNKS: u64 = 100_000_000;
const LOOKS: u64 = 1_000_000;
const FILES: u64 = 10_000_000;
/// Of the set `puts`: files of 4 KiB.
const STORED: u64 = 1_000_000;
/// Of the set `collect`: backups, and files of each, of which every second is another in the next: ten million chunks.
const COLLECTED: (u64, u64) = (1000, 20_000);
/// Beside another program the files are real, and the history is shorter.
const BESIDE: (u64, u64) = (100, 20_000);

/// A set, and the bench that it is; those of one set follow each other.
const SETS: [(&str, &str); 5] = [
    ("index", "index::index_of_many_chunks"),
    ("files", "files::a_backup_of_many_files"),
    ("collect", "collect::many_backups"),
    ("collect", "collect::a_collection_of_them"),
    ("puts", "puts::a_backup_of_files_that_do_not_compress"),
];

/// What was asked for.
#[derive(Default)]
struct Wanted {
    chunks: Option<u64>,
    looks: Option<u64>,
    files: Option<u64>,
    backups: Option<u64>,
    collected: Option<u64>,
    set: Option<String>,
    peers: Vec<Name>,
    work: Option<PathBuf>,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut wanted = Self::default();
        for given in Given::all("scale", arguments)? {
            match given.name {
                "--chunks" => wanted.chunks = Some(given.number()?),
                "--looks" => wanted.looks = Some(given.number()?),
                "--files" => wanted.files = Some(given.number()?),
                "--backups" => wanted.backups = Some(given.number()?),
                "--collected" => wanted.collected = Some(given.number()?),
                "--set" => wanted.set = Some(given.value.to_owned()),
                "--peer" => wanted.peers = Name::list(given.value)?,
                "--work" => wanted.work = Some(given.value.into()),
                _ => given.unknown()?,
            }
        }
        Ok(wanted)
    }

    /// Backups and files of the set `collect`, where not asked for otherwise.
    fn history(&self, (backups, files): (u64, u64)) -> (u64, u64) {
        (self.backups.unwrap_or(backups), self.collected.unwrap_or(files))
    }
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = Wanted::parse(arguments)?;
    let chosen = |(set, _): &&(&str, &str)| wanted.set.as_deref().is_none_or(|wanted| wanted == *set);
    let sets: Vec<_> = SETS.iter().filter(chosen).collect();
    if sets.is_empty() {
        bail!("nothing to measure: --set is `index`, `files`, `collect` or `puts`");
    }
    let work = wanted.work.clone();
    let work = work.unwrap_or_else(|| workspace::target_directory().join("bench"));
    std::fs::create_dir_all(&work)?;
    if !wanted.peers.is_empty() {
        if wanted.set.as_deref() != Some("collect") {
            bail!("--peer is for --set collect");
        }
        let (backups, files) = wanted.history(BESIDE);
        return history::run(&History {
            backups,
            files,
            peers: wanted.peers,
            work,
        });
    }
    println!("{}", super::machine());
    // One process each: what is measured is also its peak.
    for (set, test) in sets {
        let files = wanted.files.unwrap_or(match *set {
            "puts" => STORED,
            _ => FILES,
        });
        let (backups, collected) = wanted.history(COLLECTED);
        let mut bench = workspace::cargo();
        bench
            .args([
                "test",
                "--quiet",
                "--release",
                "--locked",
                "-p",
                "ostler-vault",
                "--lib",
                "--",
            ])
            .args(["--ignored", "--exact", "--nocapture"])
            .arg(format!("tests::scale::{test}"))
            .env("OSTLER_TEST_SCALE_FOLDER", &work);
        for (name, number) in [
            ("CHUNKS", wanted.chunks.unwrap_or(CHUNKS)),
            ("LOOKS", wanted.looks.unwrap_or(LOOKS)),
            ("FILES", files),
            ("BACKUPS", backups),
            ("COLLECTED", collected),
        ] {
            bench.env(format!("OSTLER_TEST_SCALE_{name}"), number.to_string());
        }
        process::run(&mut bench)?;
    }
    Ok(())
}
