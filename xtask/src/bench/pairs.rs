//! Two that do the same, one after the other, over several rounds.

use anyhow::Result;

use super::Scenario;
use super::measure::Measurement;
use super::table::median;

/// What both do, in this order.
pub const SCENARIOS: [Scenario; 3] = [Scenario::First, Scenario::Unchanged, Scenario::Restore];

/// Both, in one round.
pub struct Pair {
    pub ours: Measurement,
    pub theirs: Measurement,
}

impl Pair {
    /// Each is the first in every second round.
    pub fn in_turn(
        round: usize,
        ours: impl FnOnce() -> Result<Measurement>,
        theirs: impl FnOnce() -> Result<Measurement>,
    ) -> Result<Self> {
        let pair = if round.is_multiple_of(2) {
            let ours = ours()?;
            Self {
                ours,
                theirs: theirs()?,
            }
        } else {
            let theirs = theirs()?;
            Self {
                ours: ours()?,
                theirs,
            }
        };
        let (ours, theirs) = (pair.ours.wall, pair.theirs.wall);
        eprintln!("round {}: {ours:.1} s, beside it {theirs:.1} s", round + 1);
        Ok(pair)
    }
}

/// The medians of all rounds, by scenario.
pub fn print(ours: &str, theirs: &str, pairs: &[Vec<Pair>; SCENARIOS.len()]) {
    println!("| scenario | {ours} s | {theirs} s | times as long | {ours} MiB | {theirs} MiB |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (scenario, pairs) in SCENARIOS.into_iter().zip(pairs) {
        let middle = |value: fn(&Pair) -> f64| median(pairs.iter().map(value).collect());
        println!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} |",
            scenario.as_str(),
            middle(|pair| pair.ours.wall),
            middle(|pair| pair.theirs.wall),
            middle(|pair| pair.theirs.wall / pair.ours.wall),
            middle(|pair| pair.ours.repository as f64 / 1_048_576.0),
            middle(|pair| pair.theirs.repository as f64 / 1_048_576.0),
        );
    }
}
