//! Statements of users: one at a time, with parameters written `:name`. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ostler_postgres::quote::literal;

/// Statements that would end the transaction in which theirs runs.
const OF_TRANSACTIONS: &[&str] = &[
    "abort",
    "begin",
    "commit",
    "end",
    "release",
    "rollback",
    "savepoint",
    "start",
];

/// Why a statement is not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Nothing is there.
    #[error("the statement is empty")]
    Empty,
    /// It would take the transaction away.
    #[error("`{0}` is not run: a statement is a transaction of its own")]
    Transaction(String),
    /// A parameter that is not given.
    #[error("parameter `{0}` is not given")]
    Missing(String),
    /// A parameter that it has not.
    #[error("the statement has no parameter `{0}`")]
    Unknown(String),
}

/// The statement with its parameters filled in, each as a quoted text.
///
/// # Errors
/// [`Wrong`]
pub fn filled(sql: &str, parameters: &BTreeMap<String, String>) -> Result<String, Wrong> {
    let mut text = String::with_capacity(sql.len());
    let mut used = BTreeSet::new();
    let mut rest = sql.trim().trim_end_matches(';').trim_end();
    let first: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    if rest.is_empty() {
        return Err(Wrong::Empty);
    }
    if OF_TRANSACTIONS.contains(&first.to_ascii_lowercase().as_str()) {
        return Err(Wrong::Transaction(first));
    }
    while let Some(character) = rest.chars().next() {
        let length = match token(rest) {
            Token::Parameter(name) => {
                let value = parameters
                    .get(name)
                    .ok_or_else(|| Wrong::Missing(name.to_owned()))?;
                text.push_str(&literal(value));
                used.insert(name);
                rest = &rest[1 + name.len()..];
                continue;
            }
            Token::Opaque(length) => length,
            Token::Other => character.len_utf8(),
        };
        let (piece, tail) = rest.split_at(length);
        text.push_str(piece);
        rest = tail;
    }
    match parameters.keys().find(|name| !used.contains(name.as_str())) {
        Some(name) => Err(Wrong::Unknown(name.clone())),
        None => Ok(text),
    }
}

enum Token<'a> {
    /// `:name`
    Parameter(&'a str),
    /// So many bytes in which nothing is a parameter: a text, a name in quotes, a comment, a cast.
    Opaque(usize),
    Other,
}

fn token(rest: &str) -> Token<'_> {
    let upto = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("::") || rest.starts_with(":=") {
        return Token::Opaque(2);
    }
    if let Some(named) = rest.strip_prefix(':') {
        let end = named
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(named.len());
        // A slice of an array: `a[1:2]`.
        return match named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            true => Token::Parameter(&named[..end]),
            false => Token::Opaque(1),
        };
    }
    if rest.starts_with("--") {
        return Token::Opaque(upto("\n", 2));
    }
    if rest.starts_with("/*") {
        return Token::Opaque(comment(rest));
    }
    if rest.starts_with("E'") || rest.starts_with("e'") {
        return Token::Opaque(escaped(rest));
    }
    match rest.as_bytes().first() {
        Some(b'\'') => Token::Opaque(upto("'", 1)),
        Some(b'"') => Token::Opaque(upto("\"", 1)),
        Some(b'$') => {
            let tag = rest[1..].find('$').map(|end| &rest[..end + 2]);
            let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
            match tag.filter(|tag| tag.chars().all(plain)) {
                Some(tag) => Token::Opaque(upto(tag, tag.len())),
                None => Token::Opaque(1),
            }
        }
        // A word at once, so that the end of one is not taken for the beginning of a text such as `E'…'`.
        Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => Token::Opaque(
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len()),
        ),
        _ => Token::Other,
    }
}

/// The length of a comment, which may hold others.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a text in which a backslash takes the next character's meaning.
fn escaped(rest: &str) -> usize {
    let mut backslash = false;
    for (at, character) in rest.char_indices().skip(2) {
        match character {
            _ if backslash => backslash = false,
            '\\' => backslash = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::{Wrong, filled};
    use proptest::prelude::*;

    fn with(sql: &str, parameters: &[(&str, &str)]) -> Result<String, Wrong> {
        let parameters = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        filled(sql, &parameters)
    }

    #[test]
    fn parameters_are_filled_in_where_they_are_parameters() {
        for (sql, expected) in [
            ("DELETE FROM t WHERE a = :x;", "DELETE FROM t WHERE a = 'it''s'"),
            (
                "SELECT ':x', \":x\", a::text, :x::int",
                "SELECT ':x', \":x\", a::text, 'it''s'::int",
            ),
            ("SELECT 1 -- :y\n, :x", "SELECT 1 -- :y\n, 'it''s'"),
            ("SELECT /* :y /* :z */ */ :x", "SELECT /* :y /* :z */ */ 'it''s'"),
            (
                "SELECT E'\\':y', $$:y$$, $a$ :y $$ $a$, :x",
                "SELECT E'\\':y', $$:y$$, $a$ :y $$ $a$, 'it''s'",
            ),
            ("SELECT a[1:2], :x", "SELECT a[1:2], 'it''s'"),
            ("SELECT name'a' || :x", "SELECT name'a' || 'it''s'"),
        ] {
            assert_eq!(with(sql, &[("x", "it's")]), Ok(expected.to_owned()), "{sql}");
        }
        assert_eq!(with("SELECT :x", &[]), Err(Wrong::Missing("x".into())));
        assert_eq!(with("SELECT 1", &[("x", "")]), Err(Wrong::Unknown("x".into())));
        assert_eq!(with(" ; ", &[]), Err(Wrong::Empty));
        assert_eq!(with("Commit", &[]), Err(Wrong::Transaction("Commit".into())));
    }

    proptest! {
        /// A value is one text, whatever is in it, and a statement without parameters stays as it is.
        #[test]
        fn nothing_but_parameters_changes(sql in "[a-z'\"$:/*\\\\ -]{0,40}", value in ".{0,20}") {
            let _ = with(&sql, &[("x", &value)]);
            if let Ok(same) = with(&sql, &[]) {
                prop_assert_eq!(same, sql.trim().trim_end_matches(';').trim_end());
            }
            let expected = format!("SELECT {}", ostler_postgres::quote::literal(&value));
            prop_assert_eq!(with("SELECT :x", &[("x", &value)]), Ok(expected));
        }
    }
}
