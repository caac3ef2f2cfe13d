//! What the benches beside restic and rustic take on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::contender::Name;
use super::given::Given;
use crate::workspace;

/// Few large files, and many small ones.
const SETS: [&str; 2] = ["large", "small"];

pub struct Options {
    /// Bytes of the large set.
    pub size: u64,
    /// Files of the small set.
    pub files: u64,
    pub rounds: usize,
    /// How long every request waits; only where there are requests.
    pub delay: Duration,
    pub names: Vec<Name>,
    pub sets: Vec<&'static str>,
    pub json: bool,
    pub work: PathBuf,
}

impl Options {
    /// The full sizes of `first-backup`.
    pub fn first_backup(arguments: &[String]) -> Result<Self> {
        let defaults = Self {
            size: 4 << 30,
            files: 100_000,
            rounds: 3,
            delay: Duration::ZERO,
            names: Name::ALL.to_vec(),
            sets: SETS.to_vec(),
            json: false,
            work: workspace::target_directory().join("bench"),
        };
        let options = defaults.parse("first-backup", arguments)?;
        if !options.delay.is_zero() {
            bail!("bench first-backup: a directory has no requests that could wait; --delay is for `s3`");
        }
        Ok(options)
    }

    /// Smaller sizes: every byte goes over loopback twice.
    pub fn s3(arguments: &[String]) -> Result<Self> {
        let defaults = Self {
            size: 1 << 30,
            files: 20_000,
            rounds: 2,
            ..Self::first_backup(&[])?
        };
        defaults.parse("s3", arguments)
    }

    fn parse(mut self, bench: &'static str, arguments: &[String]) -> Result<Self> {
        for given in Given::all(bench, arguments)? {
            match given.name {
                "--json" => self.json = true,
                "--size" => self.size = bytes(given.value)?,
                "--files" => self.files = given.number()?,
                "--rounds" => self.rounds = given.rounds()?,
                "--delay" => self.delay = Duration::from_millis(given.number()?),
                "--tools" => self.names = Name::list(given.value)?,
                "--work" => self.work = given.value.into(),
                "--set" => self.sets = given.sets(&SETS)?,
                _ => given.unknown()?,
            }
        }
        Ok(self)
    }
}

fn bytes(text: &str) -> Result<u64> {
    let (number, unit) = match text.strip_suffix("GiB") {
        Some(number) => (number, 1 << 30),
        None => (
            text.strip_suffix("MiB")
                .context("a size is like 4GiB or 512MiB")?,
            1 << 20,
        ),
    };
    Ok(number
        .trim()
        .parse::<u64>()
        .with_context(|| format!("size {text}"))?
        * unit)
}
