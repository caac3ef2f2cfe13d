//! A ticker's numbers as Prometheus reads them.

use std::fmt::Write as _;

use super::{Board, DatabaseReport, Standing};

type Value = fn(&DatabaseReport) -> u64;

const COUNTERS: &[(&str, &str, Value)] = &[
    ("rounds", "Rounds made.", |report| report.rounds),
    ("ticks", "Queues ticked.", |report| report.ticks),
    ("wakeups", "Wake-ups heard from producers.", |report| {
        report.wakeups
    }),
    ("maintenance", "Maintenance operations done.", |report| {
        report.maintenance
    }),
    (
        "failures",
        "Failures of sessions, queues and maintenance.",
        |report| report.failures,
    ),
];

/// The text format, version 0.0.4.
#[must_use]
pub fn prometheus(board: &Board) -> String {
    let reports = board.reports();
    let mut text = String::new();
    let mut metric =
        |name: &str, help: &str, kind: &str, value: &dyn Fn(&DatabaseReport) -> Vec<(String, u64)>| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP ostler_queue_ticker_{name} {help}");
            let _ = writeln!(text, "# TYPE ostler_queue_ticker_{name} {kind}");
            for (database, report) in &reports {
                for (labels, value) in value(report) {
                    let database = label(database);
                    let _ = writeln!(
                        text,
                        "ostler_queue_ticker_{name}{{database=\"{database}\"{labels}}} {value}"
                    );
                }
            }
        };
    for (name, help, value) in COUNTERS {
        metric(&format!("{name}_total"), help, "counter", &|report| {
            vec![(String::new(), value(report))]
        });
    }
    metric(
        "standing",
        "1 for how a database stands now.",
        "gauge",
        &|report| {
            Standing::ALL
                .iter()
                .map(|standing| {
                    let labels = format!(",standing=\"{}\"", standing.as_str());
                    (labels, u64::from(*standing == report.standing))
                })
                .collect()
        },
    );
    text
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Board, prometheus};

    #[test]
    fn names_with_quotes_stay_inside_their_quotes() {
        let board = Board::default();
        board.change("a\"b", |report| report.ticks = 7);
        let text = prometheus(&board);
        assert!(
            text.contains("ostler_queue_ticker_ticks_total{database=\"a\\\"b\"} 7\n"),
            "{text}"
        );
        assert!(
            text.contains("{database=\"a\\\"b\",standing=\"connecting\"} 1\n"),
            "{text}"
        );
    }
}
