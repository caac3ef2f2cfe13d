//! Names and texts as parts of statements. Nothing else in the project quotes for PostgreSQL.
//!
//! Values are parameters wherever a statement has them; these two are for the rest: names of tables, statements that
//! take no parameters, scripts that are printed.

/// A name, always with quotes: `my"table` is `"my""table"`.
///
/// A NUL character, which no name can hold, is left out; the name then names nothing rather than something else.
#[must_use]
pub fn identifier(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    for character in name.chars().filter(|character| *character != '\0') {
        if character == '"' {
            quoted.push('"');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// A text, whatever `standard_conforming_strings` says: `it's` is `'it''s'`, and one with a backslash is `E'…'`.
///
/// A NUL character, which no text can hold, is left out.
#[must_use]
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 3);
    if text.contains('\\') {
        // The blank keeps it a word of its own after whatever was written before.
        quoted.push_str(" E");
    }
    quoted.push('\'');
    for character in text.chars().filter(|character| *character != '\0') {
        if matches!(character, '\'' | '\\') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// A name that may have a schema in front, split at the first dot as PgQ does: `a.b.c` is `"a"."b.c"`, and a name
/// without a dot is in `public`.
#[must_use]
pub fn qualified(name: &str) -> String {
    let (schema, name) = name.split_once('.').unwrap_or(("public", name));
    format!("{}.{}", identifier(schema), identifier(name))
}

#[cfg(test)]
mod tests {
    use super::{identifier, literal, qualified};

    #[test]
    fn quotes_are_doubled_and_backslashes_kept() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(identifier(""), "\"\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b"), " E'a\\\\b'");
        assert_eq!(literal("a\0b"), "'ab'");
    }

    #[test]
    fn a_name_is_split_at_its_first_dot() {
        assert_eq!(qualified("a.b.c"), "\"a\".\"b.c\"");
        assert_eq!(qualified("t"), "\"public\".\"t\"");
    }
}
