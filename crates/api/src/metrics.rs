//! Metrics: numbers about everything that is looked after, as a document and as the text that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All metrics at a moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// When they were put together.
    pub at: Timestamp,
    /// By name.
    pub families: Vec<Family>,
}

/// One metric with all its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Family {
    /// Its name, such as `ostler_vault_stored_bytes`.
    pub name: String,
    /// Whether it only grows.
    pub kind: FamilyKind,
    /// What it says, with its unit and what `never` means where that can be.
    pub help: String,
    /// Its values.
    pub samples: Vec<Sample>,
}

/// What a metric's values do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FamilyKind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// The value; `None` is never, `+Inf` in the text.
    pub value: Option<f64>,
}

impl Family {
    /// A metric with these values.
    #[must_use]
    pub fn of(name: &str, kind: FamilyKind, help: &str, samples: Vec<Sample>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            help: help.to_owned(),
            samples,
        }
    }
}

impl Sample {
    /// A value with these labels.
    #[must_use]
    pub fn of(labels: &[(&str, &str)], value: f64) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            labels: labels.iter().map(owned).collect(),
            value: Some(value),
        }
    }
}

/// The text exposition format 0.0.4 of Prometheus.
#[must_use]
pub fn prometheus(metrics: &Metrics) -> String {
    let mut text = String::new();
    for family in &metrics.families {
        let kind = match family.kind {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {} {}", family.name, escaped(&family.help, false));
        let _ = writeln!(text, "# TYPE {} {kind}", family.name);
        for sample in &family.samples {
            let _ = writeln!(
                text,
                "{}{} {}",
                family.name,
                labels(&sample.labels),
                value(sample.value)
            );
        }
    }
    text
}

fn labels(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

fn escaped(text: &str, quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}

fn value(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => value.to_string(),
        _ => "+Inf".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, FamilyKind, Metrics, Sample, prometheus};

    #[test]
    fn the_text_has_help_type_and_values_and_never_is_infinite() {
        let sample = |source: &str, value| Sample {
            labels: [("source".to_owned(), source.to_owned())].into(),
            value,
        };
        let metrics = Metrics {
            families: vec![
                Family {
                    name: "ostler_age_seconds".to_owned(),
                    kind: FamilyKind::Gauge,
                    help: "How old.\nNever is +Inf.".to_owned(),
                    samples: vec![sample("/srv/a \"b\"\\", Some(12.5)), sample("/new", None)],
                },
                Family {
                    name: "ostler_done_total".to_owned(),
                    kind: FamilyKind::Counter,
                    help: "Done.".to_owned(),
                    samples: vec![Sample {
                        labels: [].into(),
                        value: Some(3.0),
                    }],
                },
            ],
            ..Metrics::default()
        };
        let expected = "# HELP ostler_age_seconds How old.\\nNever is +Inf.\n\
            # TYPE ostler_age_seconds gauge\n\
            ostler_age_seconds{source=\"/srv/a \\\"b\\\"\\\\\"} 12.5\n\
            ostler_age_seconds{source=\"/new\"} +Inf\n\
            # HELP ostler_done_total Done.\n\
            # TYPE ostler_done_total counter\n\
            ostler_done_total 3\n";
        assert_eq!(prometheus(&metrics), expected);
    }
}
