//! Names and texts as parts of statements. Nothing else in the project quotes for CrateDB.
//!
//! Values are parameters wherever a statement takes them; these are for the rest: names of tables and columns, settings, and
//! statements that are printed for people.

use serde_json::Value;

/// A name, always with quotes: `my"table` is `"my""table"`. A NUL character, which no name can hold, is left out.
#[must_use]
pub fn identifier(name: &str) -> String {
    enclosed(name, '"')
}

/// A text: `it's` is `'it''s'`. A backslash means itself. A NUL character is left out.
#[must_use]
pub fn literal(text: &str) -> String {
    enclosed(text, '\'')
}

/// A value as people would write it in a statement.
#[must_use]
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => literal(text),
        Value::Null => "NULL".to_owned(),
        other => other.to_string(),
    }
}

fn enclosed(text: &str, mark: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for character in text.chars().filter(|character| *character != '\0') {
        if character == mark {
            quoted.push(mark);
        }
        quoted.push(character);
    }
    quoted.push(mark);
    quoted
}

#[cfg(test)]
mod tests {
    use super::{identifier, literal};
    use proptest::prelude::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's \\"), "'it''s \\'");
        assert_eq!(identifier("a\0b"), "\"ab\"");
    }

    proptest! {
        /// What is quoted is one name or text, whatever is in it.
        #[test]
        fn nothing_ends_its_quotes(text in ".{0,40}") {
            for (quoted, mark) in [(identifier(&text), '"'), (literal(&text), '\'')] {
                let inner = &quoted[1..quoted.len() - 1];
                prop_assert_eq!(inner.matches(mark).count() % 2, 0);
                let twice = format!("{mark}{mark}");
                prop_assert!(!inner.replace(&twice, "").contains(mark));
                prop_assert_eq!(inner.replace(&twice, &mark.to_string()), text.replace('\0', ""));
            }
        }
    }
}
