//! The results, for people and for programs.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::Row;
use super::contender::Name;
use super::measure::Measurement;

/// What was measured where.
pub struct Setting {
    /// Cores, and what kind.
    pub machine: String,
    /// Names with versions.
    pub programs: Vec<String>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.machine, self.programs.join("; "))
    }
}

/// A Markdown table: medians, and how many times the first program is faster, as the median of the rounds' ratios.
pub fn markdown(setting: &Setting, rows: &[Row]) -> String {
    let mut text = format!(
        "{setting}\n\n| set | scenario | program | wall s | CPU s | peak MiB | repository MiB | times as long as ostler |\n\
         |---|---|---|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let middle = |value: fn(&Measurement) -> f64| median(row.rounds.iter().map(value).collect());
        let ratio = baseline(rows, row).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {:.0} | {:.1} | {ratio} |",
            row.set,
            row.scenario.as_str(),
            row.name.as_str(),
            middle(|taken| taken.wall),
            middle(|taken| taken.cpu),
            middle(|taken| taken.peak as f64 / 1_048_576.0),
            middle(|taken| taken.repository as f64 / 1_048_576.0),
        );
    }
    text
}

/// The same, with every round.
pub fn document(setting: &Setting, rows: &[Row]) -> Value {
    let results: Value = rows
        .iter()
        .map(|row| {
            json!({
                "set": row.set,
                "scenario": row.scenario.as_str(),
                "program": row.name.as_str(),
                "times_ostler": baseline(rows, row),
                "rounds": row.rounds.iter().map(Measurement::document).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({"machine": setting.machine, "programs": setting.programs, "results": results})
}

/// Median over the rounds of this program's time divided by ostler's in the same round.
fn baseline(rows: &[Row], row: &Row) -> Option<f64> {
    let ostler = rows
        .iter()
        .find(|other| other.name == Name::Ostler && other.set == row.set && other.scenario == row.scenario)?;
    Some(median(
        row.rounds
            .iter()
            .zip(&ostler.rounds)
            .map(|(theirs, ours)| theirs.wall / ours.wall)
            .collect(),
    ))
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert_eq!(median(vec![4.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
