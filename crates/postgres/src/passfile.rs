//! `~/.pgpass`: `host:port:database:user:password`, each of the first four may be `*`.
//!
//! Source: "The Password File" of the PostgreSQL manual.

use ostler_vocabulary::Secret;

/// What a password is looked up for.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// `localhost` for a socket in the usual place.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// The password of the first line that matches.
pub fn find(text: &str, wanted: Entry<'_>) -> Option<Secret> {
    let port = wanted.port.to_string();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut rest = line;
            for value in [wanted.host, &port, wanted.database, wanted.user] {
                let (field, after) = field(rest)?;
                if field != "*" && unescape(field) != value {
                    return None;
                }
                rest = after;
            }
            let password = field(rest).map_or(rest, |(password, _)| password);
            Some(Secret::new(unescape(password)))
        })
}

/// Up to the next colon that has no backslash in front, and what follows it.
fn field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Entry, find};

    const FILE: &str = "# a comment: with: five: fields: here\n\
        short:line\n\
        db.example:5432:app:alice:s3cret\n\
        *:*:*:bob:with\\:colon\\\\and:rest\n\
        *:6432:*:*:last";

    fn password(host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        let wanted = Entry {
            host,
            port,
            database,
            user,
        };
        find(FILE, wanted).map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn the_first_line_that_matches_counts() {
        assert_eq!(
            password("db.example", 5432, "app", "alice").as_deref(),
            Some("s3cret")
        );
        assert_eq!(password("db.example", 5432, "other", "alice"), None);
        assert_eq!(password("x", 1, "y", "bob").as_deref(), Some("with:colon\\and"));
        assert_eq!(
            password("x", 6432, "y", "bob").as_deref(),
            Some("with:colon\\and")
        );
        assert_eq!(password("x", 6432, "y", "z").as_deref(), Some("last"));
    }
}
