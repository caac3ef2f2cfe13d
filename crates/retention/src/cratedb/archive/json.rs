//! JSON as the server writes it, kept to the last digit: members in the order of their names, numbers as they were written. Pure.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

/// How deep values are inside of each other at most.
const DEPTH: u32 = 200;

/// A value whose numbers are texts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exact<'a> {
    /// A number, `true`, `false` or `null`.
    Word(&'a str),
    /// With its quotes.
    Text(&'a str),
    List(Vec<Exact<'a>>),
    /// By names with their quotes.
    Object(BTreeMap<&'a str, Exact<'a>>),
}

/// The same value in a form that does not depend on the order of members; `None` for what is no JSON.
pub(super) fn canonical(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    write(&read(text)?, &mut out);
    Some(out)
}

/// The value with each number as near as a number can be.
pub(super) fn value(text: &str) -> Option<Value> {
    made(&read(text)?)
}

fn read(text: &str) -> Option<Exact<'_>> {
    let mut rest = text;
    let value = one(&mut rest, 0)?;
    rest.trim_ascii_start().is_empty().then_some(value)
}

fn one<'a>(rest: &mut &'a str, depth: u32) -> Option<Exact<'a>> {
    *rest = rest.trim_ascii_start();
    match rest.as_bytes().first()? {
        _ if depth > DEPTH => None,
        b'"' => quoted(rest).map(Exact::Text),
        b'[' => {
            let mut list = Vec::new();
            *rest = &rest[1..];
            while more(rest, b']', list.is_empty())? {
                list.push(one(rest, depth + 1)?);
            }
            Some(Exact::List(list))
        }
        b'{' => {
            let mut members = BTreeMap::new();
            *rest = &rest[1..];
            while more(rest, b'}', members.is_empty())? {
                *rest = rest.trim_ascii_start();
                let name = quoted(rest)?;
                *rest = rest.trim_ascii_start().strip_prefix(':')?;
                members.insert(name, one(rest, depth + 1)?);
            }
            Some(Exact::Object(members))
        }
        _ => {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                .unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            *rest = tail;
            let known = matches!(word, "true" | "false" | "null") || is_number(word);
            known.then_some(Exact::Word(word))
        }
    }
}

/// Whether the server reads it as the number that it wrote: whole ones have 64 bits.
fn is_number(word: &str) -> bool {
    match word.contains(['.', 'e', 'E']) {
        true => word.parse::<f64>().is_ok(),
        false => word.parse::<i64>().is_ok(),
    }
}

/// Whether another element comes before the end, which is taken.
fn more(rest: &mut &str, end: u8, first: bool) -> Option<bool> {
    *rest = rest.trim_ascii_start();
    let next = *rest.as_bytes().first()?;
    if next == end {
        *rest = &rest[1..];
        return Some(false);
    }
    if !first {
        *rest = rest.strip_prefix(',')?;
    }
    Some(true)
}

/// A text with its quotes.
fn quoted<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let mut escaped = false;
    rest.strip_prefix('"')?;
    let end = rest.bytes().enumerate().skip(1).find(|(_, byte)| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    let (text, tail) = rest.split_at(end?.0 + 1);
    *rest = tail;
    Some(text)
}

fn write(value: &Exact<'_>, out: &mut String) {
    match value {
        Exact::Word(text) | Exact::Text(text) => out.push_str(text),
        Exact::List(list) => {
            out.push('[');
            for (place, value) in list.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write(value, out);
            }
            out.push(']');
        }
        Exact::Object(members) => {
            out.push('{');
            for (place, (name, value)) in members.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                out.push_str(name);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn made(value: &Exact<'_>) -> Option<Value> {
    Some(match value {
        Exact::Word("null") => Value::Null,
        Exact::Word("true") => Value::Bool(true),
        Exact::Word("false") => Value::Bool(false),
        Exact::Word(word) => match word.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => Number::from_f64(word.parse().ok()?)?.into(),
        },
        Exact::Text(text) => serde_json::from_str(text).ok()?,
        Exact::List(list) => list.iter().map(made).collect::<Option<Vec<_>>>()?.into(),
        Exact::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let name: String = serde_json::from_str(name).ok()?;
                Some((name, made(value)?))
            });
            Value::Object(members.collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{canonical, value};
    use proptest::prelude::*;

    #[test]
    fn members_are_in_order_and_numbers_keep_their_digits() {
        for (text, expected) in [
            (
                r#"{"b":1.0E300, "a":[9223372036854775806, null,{}],"é\"}":"x,y"}"#,
                Some(r#"{"a":[9223372036854775806,null,{}],"b":1.0E300,"é\"}":"x,y"}"#),
            ),
            ("[]", Some("[]")),
            ("[1,]", None),
            ("{\"a\" 1}", None),
            ("[1] x", None),
            // The server writes it, and refuses it.
            ("{\"a\":12345678901234567890}", None),
            ("\"open", None),
        ] {
            assert_eq!(canonical(text).as_deref(), expected, "{text}");
        }
        let found = value("[9007199254740993,{\"a\":-1.0E-7}]").unwrap();
        assert_eq!(found.to_string(), "[9007199254740993,{\"a\":-1e-7}]");
    }

    proptest! {
        /// Every number comes back as it was, and no text makes it panic.
        #[test]
        fn numbers_are_exact(number in any::<f64>().prop_filter("finite", |it| it.is_finite()), text in "\\PC{0,30}") {
            let _ = (canonical(&text), value(&text));
            let found = value(&format!("{number:?}")).unwrap();
            prop_assert_eq!(found.as_f64().map(f64::to_bits), Some(number.to_bits()));
        }
    }
}
