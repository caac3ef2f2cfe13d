//! The files of `sql/`, and the order they are run in.

include!(concat!(env!("OUT_DIR"), "/schema_files.rs"));

/// Changes of tables, by version; each is run once, in this order, and none is ever edited after a release.
pub(super) const MIGRATIONS: &[(u32, &[&str])] = &[(
    1,
    &[
        "tables/pgq.sql",
        "tables/subscription.sql",
        "tables/pgq_ext.sql",
        "tables/pgq_coop.sql",
        "tables/pgq_node.sql",
    ],
)];

/// What needs functions to be there; in this order, at every install and upgrade that changes tables.
pub(super) const AFTER_FUNCTIONS: &[&str] = &["tables/subscription_write.sql"];

/// Folders of functions. Their order does not matter: bodies are not checked while they are made.
const FUNCTIONS: [&str; 3] = ["functions/", "insert/", "triggers/"];

/// A file of a folder of functions.
pub(super) struct Source {
    /// Name below `sql/`.
    pub(super) name: &'static str,
    /// Its text.
    pub(super) text: &'static str,
    /// The function it makes; `None` when it is something else, to be run after all functions.
    pub(super) function: Option<Function>,
}

/// What tells whether a function can be replaced in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Name with the types of the arguments that a call gives, as [`super::Installed::functions`] has it.
    pub(super) key: String,
    /// All arguments, by [`canonical`].
    pub(super) arguments: String,
    /// The result, likewise.
    pub(super) result: String,
}

/// The newest migration.
pub(super) fn version() -> u32 {
    MIGRATIONS.iter().map(|(version, _)| *version).max().unwrap_or(0)
}

/// The text of a file; empty for one that is not there, which a test excludes.
pub(super) fn text(name: &str) -> &'static str {
    FILES
        .iter()
        .find(|(file, _)| *file == name)
        .map_or("", |(_, text)| text)
}

/// All files of functions.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    FILES
        .iter()
        .filter(|(name, _)| FUNCTIONS.iter().any(|folder| name.starts_with(folder)))
        .map(|&(name, text)| Source {
            name,
            text,
            function: function(text),
        })
}

/// All grants.
pub(super) fn grants() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES
        .iter()
        .copied()
        .filter(|(name, _)| name.starts_with("grants/"))
}

/// Reads the head of a function, which our files write the way the server shows it.
fn function(text: &str) -> Option<Function> {
    let (_, rest) = text.split_once("create or replace function ")?;
    let (head, rest) = rest.split_once("\nreturns ")?;
    let result = rest.lines().next()?.split(" language ").next()?.trim();
    let (name, arguments) = head.strip_suffix(')')?.split_once('(')?;
    let mut given = Vec::new();
    for argument in split(arguments) {
        if argument.to_lowercase().starts_with("out ") {
            continue;
        }
        let (_, kind) = argument.split_once(' ')?;
        given.push(kind.split(" default ").next()?.trim());
    }
    Some(Function {
        key: format!("{name}({})", given.join(", ")),
        arguments: canonical(arguments),
        result: canonical(result),
    })
}

/// Arguments or a result in one spelling. Defaults are left out: they can be changed in place.
pub(super) fn canonical(arguments: &str) -> String {
    let words: Vec<String> = split(arguments)
        .map(|one| {
            one.to_lowercase()
                .split(" default ")
                .next()
                .unwrap_or_default()
                .replace("table (", "table(")
        })
        .collect();
    words.join(", ")
}

fn split(arguments: &str) -> impl Iterator<Item = &str> {
    arguments.split(", ").filter(|one| !one.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_is_named_is_there() {
        let migrations = MIGRATIONS.iter().flat_map(|(_, files)| files.iter());
        for name in migrations.chain(AFTER_FUNCTIONS) {
            assert!(!text(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn the_head_of_a_function_is_read() {
        let text = "-- Says.\ncreate or replace function pgq.f(a text, b timestamp with time zone, out c bigint)\nreturns record\nlanguage sql";
        let read = function(text).map(|it| (it.key, it.result));
        assert_eq!(
            read,
            Some(("pgq.f(text, timestamp with time zone)".into(), "record".into()))
        );
    }

    #[test]
    fn no_two_files_make_the_same_function() {
        let mut keys: Vec<String> = sources().filter_map(|it| it.function).map(|it| it.key).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
