//! What the argument parser says, in our own form.

use std::ffi::OsString;

use clap::ValueEnum;

use super::Format;

/// A usage error: what is wrong, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParseFailure {
    pub message: String,
    pub hint: Option<String>,
}

impl ParseFailure {
    /// Takes the parser's text apart: `error: …`, indented details, `tip: …`, `Usage: …`.
    pub fn of(error: &clap::Error) -> Self {
        Self::read(&error.render().to_string())
    }

    fn read(text: &str) -> Self {
        if !text.starts_with("error:") {
            // A noun without its verb: the parser gives the whole help, of which the usage line is enough here.
            let usage = text
                .lines()
                .find_map(|line| line.strip_prefix("Usage: "))
                .unwrap_or("ostler");
            let noun = usage
                .split(" [")
                .next()
                .unwrap_or(usage)
                .split(" <")
                .next()
                .unwrap_or("ostler");
            return Self {
                message: format!("`{noun}` needs a command"),
                hint: Some(format!("`{noun} --help` lists them")),
            };
        }
        let mut message = Vec::new();
        let mut hints = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(tip) = line.strip_prefix("tip: ") {
                hints.push(tip.to_owned());
            } else if let Some(usage) = line.strip_prefix("Usage: ") {
                hints.push(format!("usage: {usage}"));
            } else if line.starts_with("For more information") {
                hints.push("`--help` tells more".to_owned());
            } else {
                message.push(line.strip_prefix("error: ").unwrap_or(line).to_owned());
            }
        }
        Self {
            message: message.join(" "),
            hint: if hints.is_empty() {
                None
            } else {
                Some(hints.join("; "))
            },
        }
    }
}

/// The format that the words ask for, as far as that can be told when they are wrong.
pub(super) fn format_asked_for(words: &[OsString]) -> Format {
    let mut words = words.iter().filter_map(|word| word.to_str());
    let mut format = Format::Table;
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--output") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None if word == "--" => return format,
            None => None,
        };
        if let Some(asked) = value.and_then(|value| Format::from_str(value, false).ok()) {
            format = asked;
        }
    }
    format
}

#[cfg(test)]
mod tests {
    use super::{Format, ParseFailure, format_asked_for};

    #[test]
    fn the_format_is_found_in_words_that_are_wrong() {
        let asked = |text: &str| format_asked_for(&text.split(' ').map(Into::into).collect::<Vec<_>>());
        assert_eq!(asked("backup --nonsense --output json"), Format::Json);
        assert_eq!(asked("--output=json_row x"), Format::Jsonl);
        assert_eq!(asked("--output nonsense"), Format::Table);
        assert_eq!(asked("--output"), Format::Table);
        assert_eq!(asked("restore -- --output json"), Format::Table);
    }

    #[test]
    fn the_parsers_text_is_taken_apart() {
        let text = "error: unexpected argument '--foo' found\n\n  tip: a similar argument exists: '--for'\n\n\
                    Usage: ostler x\n\nFor more information, try '--help'.\n";
        let failure = ParseFailure::read(text);
        assert_eq!(failure.message, "unexpected argument '--foo' found");
        assert_eq!(
            failure.hint.as_deref(),
            Some("a similar argument exists: '--for'; usage: ostler x; `--help` tells more")
        );
    }
}
