//! What the benches beside restic and rustic take on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::contender::Name;
use crate::workspace;

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
            sets: vec!["large", "small"],
            json: false,
            work: workspace::target_directory().join("bench"),
        };
        let options = defaults.parse(arguments)?;
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
        defaults.parse(arguments)
    }

    fn parse(mut self, arguments: &[String]) -> Result<Self> {
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if word == "--json" {
                self.json = true;
                continue;
            }
            let value = words.next().with_context(|| format!("{word} wants a value"))?;
            match word.as_str() {
                "--size" => self.size = bytes(value)?,
                "--files" => self.files = value.parse().context("--files")?,
                "--rounds" => self.rounds = value.parse().context("--rounds")?,
                "--delay" => self.delay = Duration::from_millis(value.parse().context("--delay")?),
                "--tools" => self.names = Name::list(value)?,
                "--work" => self.work = PathBuf::from(value),
                "--set" => self.sets.retain(|set| set == value),
                other => bail!("bench: unknown option {other}"),
            }
        }
        if self.sets.is_empty() || self.rounds == 0 {
            bail!("nothing to measure: --set is `large` or `small`, --rounds at least 1");
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
