//! How benches are told what to measure: options with a value each, and `--json`, which has none.

use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

/// An option of a bench.
pub struct Given<'a> {
    bench: &'static str,
    pub name: &'a str,
    /// Nothing, for `--json`.
    pub value: &'a str,
}

impl<'a> Given<'a> {
    /// All that a bench was given.
    pub fn all(bench: &'static str, arguments: &'a [String]) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        let mut words = arguments.iter().map(String::as_str);
        while let Some(name) = words.next() {
            let value = match name {
                "--json" => "",
                _ => words.next().with_context(|| format!("{name} wants a value"))?,
            };
            all.push(Self { bench, name, value });
        }
        Ok(all)
    }

    pub fn number<T: FromStr>(&self) -> Result<T> {
        let Self { name, value, .. } = self;
        let number = value.parse().ok();
        number.with_context(|| format!("{name}: `{value}` is no number that it may be"))
    }

    /// How often all is measured.
    pub fn rounds(&self) -> Result<usize> {
        let rounds = self.number()?;
        ensure!(rounds > 0, "nothing to measure: {} is at least 1", self.name);
        Ok(rounds)
    }

    /// Which of the sets of the bench are measured, in the order of all.
    pub fn sets<'s>(&self, all: &[&'s str]) -> Result<Vec<&'s str>> {
        let wanted: Vec<&str> = self.value.split(',').collect();
        if let Some(unknown) = wanted.iter().find(|set| !all.contains(set)) {
            bail!(
                "there is no set `{unknown}`: {} is one or more of {}",
                self.name,
                all.join(", ")
            );
        }
        Ok(all.iter().copied().filter(|set| wanted.contains(set)).collect())
    }

    /// Fails: there is no such option.
    pub fn unknown(&self) -> Result<()> {
        bail!("bench {}: unknown option {}", self.bench, self.name)
    }
}
