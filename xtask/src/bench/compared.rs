//! Numbers of contenders that are measured in turn, each beside its peer's of the same round.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One number for each contender in each round.
struct Row {
    scenario: String,
    unit: &'static str,
    contender: String,
    /// What it is compared with: its peer's number.
    peer: Vec<f64>,
    values: Vec<f64>,
}

/// Collects rows over the rounds.
#[derive(Default)]
pub struct Rows(Vec<Row>);

impl Rows {
    /// Adds one round of one contender, with its peer's number of the same round.
    pub fn add(&mut self, scenario: &str, unit: &'static str, contender: &str, peer: f64, value: f64) {
        eprintln!("{scenario}: {contender} {value:.2} {unit}");
        let known = self
            .0
            .iter_mut()
            .find(|row| row.scenario == scenario && row.unit == unit && row.contender == contender);
        match known {
            Some(row) => {
                row.peer.push(peer);
                row.values.push(value);
            }
            None => self.0.push(Row {
                scenario: scenario.to_owned(),
                unit,
                contender: contender.to_owned(),
                peer: vec![peer],
                values: vec![value],
            }),
        }
    }
}

impl Rows {
    /// The medians, and their ratios to a peer of this name.
    pub fn markdown(&self, peer: &str) -> String {
        let mut text = format!(
            "{}\n\n| scenario | contender | median | of {peer} |\n|---|---|---:|---:|\n",
            super::machine()
        );
        for row in &self.0 {
            let (middle, ratio) = (median(row.values.clone()), row.ratio());
            let of_peer = match ratio.is_nan() {
                true => String::new(),
                false => format!("{ratio:.2}"),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {middle:.1} {} | {of_peer} |",
                row.scenario, row.contender, row.unit
            );
        }
        text
    }

    /// All numbers.
    pub fn document(&self) -> Value {
        let results = self.0.iter().map(|row| {
            json!({"scenario": row.scenario, "contender": row.contender, "unit": row.unit,
                "values": row.values, "peer": row.peer, "of_peer": row.ratio()})
        });
        json!({"machine": super::machine(), "results": results.collect::<Vec<_>>()})
    }
}

impl Row {
    /// Median of the ratios of the rounds.
    fn ratio(&self) -> f64 {
        median(
            self.values
                .iter()
                .zip(&self.peer)
                .map(|(value, peer)| value / peer)
                .collect(),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
