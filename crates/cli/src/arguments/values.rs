//! Readers of single values. Empty ones are refused everywhere: they are unset variables of scripts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PathBufValueParser, TypedValueParser};
use ostler_vocabulary::{ByteSize, Failure, Span};

use crate::error::CommandError;

/// The shortest digest that is taken as an approval: 64 bits, which nobody meets by accident.
const DIGEST_DIGITS: std::ops::RangeInclusive<usize> = 16..=64;

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

/// Text that is not empty and has no control characters.
pub(crate) fn text() -> impl TypedValueParser<Value = String> {
    NonEmptyStringValueParser::new().try_map(|text| {
        if text.trim().is_empty() {
            Err("it is blank")
        } else if text.chars().any(char::is_control) {
            Err("it has control characters")
        } else {
            Ok(text)
        }
    })
}

/// A shell command.
pub(crate) fn command() -> impl TypedValueParser<Value = String> {
    NonEmptyStringValueParser::new().try_map(|text| {
        if text.trim().is_empty() {
            Err("it is blank")
        } else {
            Ok(text)
        }
    })
}

/// A path that is not empty.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new()
}

/// A name for a backup; whether there is one is not known here.
pub(crate) fn backup() -> impl TypedValueParser<Value = String> {
    text().try_map(|text| {
        let Some(rest) = text.strip_prefix("latest~") else {
            return Ok(text);
        };
        match rest.parse::<u32>() {
            Ok(_) => Ok(text),
            Err(_) => {
                Err("after `latest~` stands a number, such as `latest~1` for the one before the newest")
            }
        }
    })
}

/// `KEY=VALUE`
pub(crate) fn tag(text: &str) -> Result<Tag, String> {
    let tag = tag_or_removal(text)?;
    if tag.value.is_empty() {
        Err("its value is empty".to_owned())
    } else {
        Ok(tag)
    }
}

/// `KEY=VALUE`, or `KEY=` to remove the tag.
pub(crate) fn tag_or_removal(text: &str) -> Result<Tag, String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    if key.is_empty() {
        return Err("its key is empty".to_owned());
    }
    if key.chars().any(|c| c.is_control() || c.is_whitespace()) || value.chars().any(char::is_control) {
        return Err("keys have no blanks, and nothing has control characters".to_owned());
    }
    Ok(Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    })
}

/// Tags by key; the same key twice is a mistake, not a choice.
pub(crate) fn tag_map(tags: &[Tag]) -> Result<BTreeMap<String, String>, Failure> {
    let mut map = BTreeMap::new();
    for Tag { key, value } in tags {
        if map.insert(key.clone(), value.clone()).is_some() {
            return Err(CommandError::TagTwice { key: key.clone() }.into());
        }
    }
    Ok(map)
}

/// A glob, checked for its form only; what it matches is the agent's business.
pub(crate) fn pattern(text: &str) -> Result<String, String> {
    let glob = text.strip_prefix('!').unwrap_or(text);
    if glob.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    globset::Glob::new(glob)
        .map(|_| text.to_owned())
        .map_err(|error| error.kind().to_string())
}

/// A plan's digest, or its first digits.
pub(crate) fn digest(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    if DIGEST_DIGITS.contains(&lower.len()) && lower.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(lower)
    } else {
        Err("expected 16 to 64 hexadecimal digits, as `--dry-run` prints them".to_owned())
    }
}

/// A length of time.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    match text.parse::<Span>() {
        Ok(span) if span.0.is_zero() => Err("it is no time at all".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

/// Bytes a second; 0 stands for no limit. A unit is asked for, since others mean KiB where none is written.
pub(crate) fn byte_rate(text: &str) -> Result<ByteSize, String> {
    if text == "none" {
        return Ok(ByteSize(0));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write it with a unit, such as 500KiB or 10MiB, or `none`".to_owned());
    }
    match text.trim_end_matches("/s").parse::<ByteSize>() {
        Ok(ByteSize(0)) => Err("nothing would ever pass; `none` is no limit".to_owned()),
        read => read,
    }
}

/// Requests a second; 0 stands for no limit.
pub(crate) fn request_rate(text: &str) -> Result<u32, String> {
    match (text, text.parse()) {
        ("none", _) => Ok(0),
        (_, Ok(0)) => Err("nothing would ever pass; `none` is no limit".to_owned()),
        (_, Ok(rate)) => Ok(rate),
        (_, Err(_)) => Err("expected a number, or `none`".to_owned()),
    }
}

/// A share between 0 and 1.
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::ByteSize;

    use super::{Tag, byte_rate, request_rate};
    use super::{digest, pattern, ratio, span, tag, tag_map, tag_or_removal};

    #[test]
    fn tags_have_a_key_and_a_value() {
        assert_eq!(
            tag("env=a=b"),
            Ok(Tag {
                key: "env".into(),
                value: "a=b".into()
            })
        );
        for wrong in ["", "env", "=x", "env=", "a b=c", "a=\u{7}"] {
            assert!(tag(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(tag_or_removal("env=").map(|tag| tag.value), Ok(String::new()));
        assert!(tag_map(&[tag("a=1").unwrap(), tag("a=1").unwrap()]).is_err());
    }

    #[test]
    fn rates_have_a_unit_or_are_none() {
        assert_eq!(byte_rate("10MiB"), Ok(ByteSize(10 << 20)));
        assert_eq!(byte_rate("1.5 MB/s"), Ok(ByteSize(1_500_000)));
        assert_eq!(byte_rate("none"), Ok(ByteSize(0)));
        for wrong in ["1000", "0B", "", "-1K", "x"] {
            assert!(byte_rate(wrong).is_err(), "{wrong}");
        }
        assert_eq!((request_rate("none"), request_rate("20")), (Ok(0), Ok(20)));
        assert!(request_rate("0").is_err() && request_rate("1.5").is_err());
    }

    #[test]
    fn digests_spans_ratios_and_patterns_are_checked_for_their_form() {
        assert_eq!(digest("0123456789ABCDEF"), Ok("0123456789abcdef".into()));
        for wrong in ["", "0123456789abcde", "0123456789abcdeg", &"0".repeat(65)] {
            assert!(digest(wrong).is_err(), "{wrong}");
        }
        assert!(span("7d").is_ok() && span("0s").is_err() && span("x").is_err());
        assert!(
            ratio("0.5").is_ok() && ratio("1.1").is_err() && ratio("NaN").is_err() && ratio("-0.1").is_err()
        );
        assert!(pattern("**/*.{tmp,log}").is_ok() && pattern("!keep/*").is_ok());
        assert!(
            pattern("[a").is_err() && pattern("{a").is_err() && pattern("!").is_err() && pattern("").is_err()
        );
    }
}
