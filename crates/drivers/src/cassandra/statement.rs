//! The text of CQL statements as the server describes a schema: taken apart, made repeatable, given other names. Pure.

/// A piece of a statement: a word or a mark as it is, a quoted name or text with its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    start: usize,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Where what begins with `open` ends: after the next `close` that is not doubled; at the end of the text where there is none.
fn quoted(rest: &str, open: usize, close: &str, doubles: bool) -> usize {
    let mut at = open;
    while let Some(found) = rest.get(at..).and_then(|rest| rest.find(close)) {
        at += found + close.len();
        if !(doubles && rest.get(at..).is_some_and(|rest| rest.starts_with(close))) {
            return at;
        }
        at += close.len();
    }
    rest.len()
}

/// Its pieces, without blanks and comments.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let (length, is_said) = match first {
            c if c.is_whitespace() => (c.len_utf8(), false),
            _ if rest.starts_with("--") || rest.starts_with("//") => {
                (rest.find('\n').unwrap_or(rest.len()), false)
            }
            _ if rest.starts_with("/*") => (quoted(rest, 2, "*/", false), false),
            _ if rest.starts_with("$$") => (quoted(rest, 2, "$$", false), true),
            '\'' => (quoted(rest, 1, "'", true), true),
            '"' => (quoted(rest, 1, "\"", true), true),
            c if is_word(c) => (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), true),
            c => (c.len_utf8(), true),
        };
        if is_said {
            tokens.push(Token {
                text: rest.get(..length).unwrap_or(rest),
                start: at,
            });
        }
        at += length;
    }
    tokens
}

/// The statements of a text, without what ends them.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut from = 0;
    let ends = tokens(text).into_iter().filter(|token| token.text == ";");
    for end in ends
        .map(|token| (token.start, token.end()))
        .chain([(text.len(), text.len())])
    {
        let statement = text.get(from..end.0).unwrap_or_default().trim();
        if !statement.is_empty() {
            statements.push(statement.to_owned());
        }
        from = end.1;
    }
    statements
}

/// A name without its quotes.
pub(super) fn bare(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

/// A name in quotes: never a reserved word, and its case counts.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table's name with that of its keyspace, as statements have them.
pub(super) fn table(keyspace: &str, name: &str) -> String {
    format!("{}.{}", quote(keyspace), quote(name))
}

/// Whether a name is one of its words.
pub(super) fn mentions(statement: &str, name: &str) -> bool {
    tokens(statement).iter().any(|token| bare(token.text) == name)
}

/// Where a table's name is that begins with this token: up to the token behind it.
fn name_at(tokens: &[Token<'_>], first: usize) -> Option<(usize, usize)> {
    let qualified = tokens.get(first + 1).is_some_and(|token| token.text == ".");
    let last = if qualified { first + 2 } else { first };
    tokens.get(last).map(|_| (first, last))
}

/// A statement that may be run again: what it makes may be there, what it drops may be gone.
pub(super) fn repeatable(statement: &str) -> String {
    let tokens = tokens(statement);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token: &Token<'_>| token.is(word));
    let (after, condition) = if is(0, "CREATE") {
        const KINDS: &[&str] = &[
            "KEYSPACE",
            "TYPE",
            "FUNCTION",
            "AGGREGATE",
            "TABLE",
            "INDEX",
            "VIEW",
            "TRIGGER",
        ];
        let kind = (1..4).find(|at| KINDS.iter().any(|kind| is(*at, kind)));
        (kind, "IF NOT EXISTS")
    } else if is(0, "ALTER") && is(1, "TABLE") {
        let verb = name_at(&tokens, 2).map(|(_, last)| last + 1);
        match verb {
            Some(verb) if is(verb, "DROP") => (Some(verb), "IF EXISTS"),
            Some(verb) if is(verb, "ADD") => (Some(verb), "IF NOT EXISTS"),
            _ => (None, ""),
        }
    } else {
        (None, "")
    };
    match after
        .filter(|after| !is(after + 1, "IF"))
        .and_then(|after| tokens.get(after))
    {
        Some(token) => {
            let (head, tail) = statement.split_at(token.end());
            format!("{head} {condition}{tail}")
        }
        None => statement.to_owned(),
    }
}

/// The `CREATE TABLE` of a table, or an `ALTER TABLE` of it, for a table of another name and id. `None` for any other statement, and
/// for one that says no id.
pub(super) fn renamed(statement: &str, name: &str, id: &str) -> Option<String> {
    let tokens = tokens(statement);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token: &Token<'_>| token.is(word));
    if !is(1, "TABLE") {
        return None;
    }
    let (first, last) = name_at(&tokens, 2)?;
    let (from, to) = (tokens.get(first)?.start, tokens.get(last)?.end());
    if is(0, "ALTER") {
        return Some(format!(
            "{}{name}{}",
            statement.get(..from)?,
            statement.get(to..)?
        ));
    }
    if !is(0, "CREATE") {
        return None;
    }
    let word = (last..tokens.len()).find(|at| is(*at, "WITH") && is(at + 1, "ID") && is(at + 2, "="))?;
    let value = tokens.get(word + 3)?.start;
    let next = tokens.iter().skip(word + 3).find(|token| token.is("AND"));
    let rest = match next {
        Some(and) => format!(" {}", statement.get(and.start..)?),
        None => String::new(),
    };
    let (head, options) = (statement.get(..from)?, statement.get(to..value)?);
    Some(format!("{head}{name}{options}{id}{rest}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use super::{bare, mentions, quote, renamed, repeatable, split};

    #[test]
    fn statements_end_where_no_text_name_or_body_goes_on() {
        let text = "CREATE TABLE a (k int) WITH comment = 'it''s; odd'; -- a; b\nALTER TABLE a DROP \"x;y\";\n\
                    CREATE FUNCTION f() AS $$ return 1; $$ /* ; */;";
        assert_eq!(
            split(text),
            [
                "CREATE TABLE a (k int) WITH comment = 'it''s; odd'",
                "-- a; b\nALTER TABLE a DROP \"x;y\"",
                "CREATE FUNCTION f() AS $$ return 1; $$ /* ; */",
            ]
        );
        assert_eq!(split(" ; ;"), Vec::<String>::new());
        assert_eq!(split("SELECT 'open; "), ["SELECT 'open;"]);
    }

    #[test]
    fn every_statement_of_a_schema_can_be_run_again() {
        for (statement, expected) in [
            (
                "CREATE KEYSPACE a WITH x",
                "CREATE KEYSPACE IF NOT EXISTS a WITH x",
            ),
            (
                "CREATE TYPE a.type (b int)",
                "CREATE TYPE IF NOT EXISTS a.type (b int)",
            ),
            (
                "CREATE TABLE a.\"table\" (k int)",
                "CREATE TABLE IF NOT EXISTS a.\"table\" (k int)",
            ),
            (
                "CREATE CUSTOM INDEX i ON a.b (c)",
                "CREATE CUSTOM INDEX IF NOT EXISTS i ON a.b (c)",
            ),
            (
                "CREATE MATERIALIZED VIEW a.v AS",
                "CREATE MATERIALIZED VIEW IF NOT EXISTS a.v AS",
            ),
            (
                "CREATE TRIGGER t ON a.b USING 'x'",
                "CREATE TRIGGER IF NOT EXISTS t ON a.b USING 'x'",
            ),
            (
                "ALTER TABLE a.b DROP c USING TIMESTAMP 1",
                "ALTER TABLE a.b DROP IF EXISTS c USING TIMESTAMP 1",
            ),
            (
                "ALTER TABLE \"B\" ADD c int",
                "ALTER TABLE \"B\" ADD IF NOT EXISTS c int",
            ),
            ("CREATE TABLE IF NOT EXISTS a", "CREATE TABLE IF NOT EXISTS a"),
            ("TRUNCATE a.b", "TRUNCATE a.b"),
        ] {
            assert_eq!(repeatable(statement), expected);
            assert_eq!(repeatable(expected), expected);
        }
    }

    #[test]
    fn a_table_gets_another_name_and_id_and_nothing_else_changes() {
        let made = "CREATE TABLE shop.plain (\n    plain int PRIMARY KEY\n) WITH ID = 3c4b1600-e697-11f1-80d4-698ebae596e6\n    \
                    AND comment = 'ID = 1 AND plain'";
        assert_eq!(
            renamed(made, "\"shop\".\"back\"", "0b8e8f6c-9a55-8a1c-9c3a-5b0e4f6a7d11").unwrap(),
            "CREATE TABLE \"shop\".\"back\" (\n    plain int PRIMARY KEY\n) WITH ID = 0b8e8f6c-9a55-8a1c-9c3a-5b0e4f6a7d11 AND \
             comment = 'ID = 1 AND plain'"
        );
        assert_eq!(
            renamed("CREATE TABLE \"A\".\"B\" (k int) WITH ID = 1", "x.y", "2").unwrap(),
            "CREATE TABLE x.y (k int) WITH ID = 2"
        );
        assert_eq!(
            renamed("ALTER TABLE shop.plain DROP plain USING TIMESTAMP 5", "x.y", "2").unwrap(),
            "ALTER TABLE x.y DROP plain USING TIMESTAMP 5"
        );
        for other in [
            "CREATE TABLE a.b (k int)",
            "DROP TABLE a.b",
            "CREATE INDEX i ON a.b (c)",
            "",
        ] {
            assert_eq!(renamed(other, "x.y", "2"), None, "{other}");
        }
    }

    #[test]
    fn names_are_compared_without_their_quotes() {
        assert!(mentions("CREATE TYPE a.b (c frozen<\"Odd\"\"one\">)", "Odd\"one"));
        assert!(!mentions("CREATE TYPE a.b (c frozen<place>) -- odd", "odd"));
        for name in ["plain", "Odd", "a\"b"] {
            assert_eq!(bare(&quote(name)), name);
        }
    }
}
