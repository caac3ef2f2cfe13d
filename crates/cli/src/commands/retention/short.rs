//! `TABLE[:COLUMN] [STRATEGY] DURATION` in one text: `doc.sensor_readings:time_month drop 4w`.

use clap::ValueEnum;
use ostler_api::retention::{Strategy, TableColumn};
use ostler_vocabulary::{ErrorKind, Failure, Period};

use crate::arguments::StrategyWord;

/// What the short form says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Short {
    pub subject: TableColumn,
    pub strategy: Option<Strategy>,
    pub keep: Period,
}

/// Strategies of other databases, and those to come.
const ELSEWHERE: &[&str] = &["snapshot", "reallocate", "archive", "downsample"];

/// Reads it.
pub(super) fn read(words: &[String]) -> Result<Short, Failure> {
    let text = words.join(" ");
    let text = text.trim();
    let (subject, rest) = text.split_at(end_of_name(text));
    let subject: TableColumn = subject.parse()?;
    let rest = rest.trim();
    let (first, others) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let name = first.split(':').next().unwrap_or_default().to_lowercase();
    if ELSEWHERE.contains(&name.as_str()) {
        let message = format!("strategy `{first}` is not there for PostgreSQL");
        return Err(
            Failure::new(ErrorKind::Unsupported, message).with_hint("there are drop, delete and keep-last")
        );
    }
    let strategy = StrategyWord::from_str(first, true)
        .ok()
        .map(StrategyWord::strategy);
    let duration = if strategy.is_some() { others } else { rest };
    if duration.is_empty() {
        return Err(
            Failure::new(ErrorKind::Invalid, format!("`{text}` does not say for how long"))
                .with_hint("`TABLE:COLUMN drop 4w`"),
        );
    }
    Ok(Short {
        subject,
        strategy,
        keep: duration.parse()?,
    })
}

/// Where the table and column end: at the first blank outside of quotes.
fn end_of_name(text: &str) -> usize {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            blank if blank.is_whitespace() && !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Short, Strategy, read};

    #[test]
    fn the_short_form_is_table_strategy_and_duration() {
        for (text, subject, strategy, keep) in [
            (
                "doc.sensor_readings:time_month drop 4w",
                "doc.sensor_readings:time_month",
                Some(Strategy::Drop),
                "4w",
            ),
            ("events 13 months", "events", None, "13mo"),
            (
                "\"my table\":\"a b\" KEEP-LAST inf",
                "\"my table\":\"a b\"",
                Some(Strategy::KeepLast),
                "INF",
            ),
        ] {
            let expected = Short {
                subject: subject.parse().unwrap(),
                strategy,
                keep: keep.parse().unwrap(),
            };
            assert_eq!(read(&[text.to_owned()]).unwrap(), expected, "{text}");
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            assert_eq!(read(&words).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "events",
            "events drop",
            "events burn 4w",
            "events drop 0d",
            "a.b.c drop 1d",
            "t snapshot:cold 1d",
        ] {
            assert!(read(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
