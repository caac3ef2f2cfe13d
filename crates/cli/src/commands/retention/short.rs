//! `TABLE[:COLUMN] [STRATEGY[:TARGET]] DURATION` in one text: `doc.sensor_readings:time_month drop 4w`.

use ostler_api::retention::{Strategy, TableColumn};
use ostler_vocabulary::{ErrorKind, Failure, Period};

/// What the short form says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Short {
    pub subject: TableColumn,
    pub strategy: Option<Strategy>,
    /// Where what goes is kept.
    pub target: Option<String>,
    pub keep: Period,
}

/// Reads it.
pub(super) fn read(words: &[String]) -> Result<Short, Failure> {
    let text = words.join(" ");
    let text = text.trim();
    let (subject, rest) = text.split_at(end_of_name(text));
    let subject: TableColumn = subject.parse()?;
    let rest = rest.trim();
    let (first, others) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (word, target) = match first.split_once(':') {
        Some((word, target)) => (word, Some(target.to_owned())),
        None => (first, None),
    };
    let strategy = Strategy::named(word);
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
        target: target.filter(|_| strategy.is_some()),
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
        for (text, subject, strategy, target, keep) in [
            (
                "doc.sensor_readings:time_month drop 4w",
                "doc.sensor_readings:time_month",
                Some(Strategy::Drop),
                None,
                "4w",
            ),
            ("events 13 months", "events", None, None, "13mo"),
            (
                "events:at archive:s3://b/p 4w",
                "events:at",
                Some(Strategy::Archive),
                Some("s3://b/p"),
                "4w",
            ),
            (
                "doc.t:day reallocate:storage=warm 4w",
                "doc.t:day",
                Some(Strategy::Reallocate),
                Some("storage=warm"),
                "4w",
            ),
            (
                "\"my table\":\"a b\" KEEP-LAST inf",
                "\"my table\":\"a b\"",
                Some(Strategy::KeepLast),
                None,
                "INF",
            ),
        ] {
            let expected = Short {
                subject: subject.parse().unwrap(),
                strategy,
                target: target.map(str::to_owned),
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
        ] {
            assert!(read(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
