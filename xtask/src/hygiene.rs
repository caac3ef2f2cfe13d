//! What `layers` checks in every source file: length, names, and a few habits that no lint knows.

use std::path::Path;
use std::{fs, iter};

use anyhow::{Context, Result};

use crate::workspace;

/// Lines a source file may have.
const LINES: usize = 400;
/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];
/// Words that do not say what is inside.
const NAMES: &[&str] = &[
    "util", "utils", "common", "core", "helper", "helpers", "misc", "types", "base", "manager",
];
/// Where standard output is the purpose, or only a test's.
const PRINTING: &[&str] = &["crates/cli/", "crates/testkit/", "xtask/"];
/// Whose queries are in `.sql` files, every one.
const QUERIES_IN_FILES: &str = "crates/operations/";
/// How a statement begins.
const STATEMENTS: &[&str] = &[
    "SELECT",
    "INSERT",
    "REPLACE",
    "UPDATE",
    "DELETE",
    "WITH",
    "CREATE",
    "ALTER",
    "DROP",
    "PRAGMA",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "ATTACH",
    "DETACH",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "EXPLAIN",
    "VALUES",
];
/// What changes a schema belongs into a migration, which is a file, in every crate.
const VERBS: &[&str] = &["CREATE ", "ALTER ", "DROP "];
const OBJECTS: &[&str] = &["TABLE ", "INDEX ", "UNIQUE INDEX ", "TRIGGER ", "VIEW "];

/// Everything that is wrong, one line each.
pub fn faults() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for path in workspace::files()? {
        let check: fn(&Path, &str) -> Vec<String> = match path.extension().and_then(|it| it.to_str()) {
            Some("rs") => file_faults,
            Some("sql") => sql_faults,
            _ => continue,
        };
        let text = fs::read_to_string(workspace::root().join(&path))
            .with_context(|| format!("reading {}", path.display()))?;
        faults.extend(
            check(&path, &text)
                .into_iter()
                .map(|fault| format!("{}{fault}", path.display())),
        );
    }
    Ok(faults)
}

/// A server whose encoding lacks a character refuses the whole statement, comments too.
fn sql_faults(_: &Path, text: &str) -> Vec<String> {
    text.lines()
        .zip(1..)
        .filter(|(line, _)| !line.is_ascii())
        .map(|(_, number)| {
            format!(":{number}: a character that is not ASCII, which databases in LATIN1 refuse")
        })
        .collect()
}

fn file_faults(path: &Path, text: &str) -> Vec<String> {
    let name = path.to_string_lossy();
    let test = name.ends_with("/tests.rs")
        || ["/tests/", "/examples/", "/samples/"]
            .iter()
            .any(|folder| name.contains(folder));
    let mut faults = Vec::new();
    if let Some(word) = path.iter().find_map(|part| {
        let part = part.to_str()?;
        NAMES.iter().find(|word| part.trim_end_matches(".rs") == **word)
    }) {
        faults.push(format!(": the name `{word}` does not say what is inside"));
    }
    let lines = text.lines().count();
    if !test && lines > LINES && !LONGER.iter().any(|(file, _)| *file == name) {
        faults.push(format!(
            ": {lines} lines, more than {LINES}; is there a second thing inside?"
        ));
    }
    if name.ends_with("src/lib.rs") {
        faults.extend(lib_faults(text));
    }
    if !test {
        faults.extend(line_faults(&name, text));
    }
    faults
}

/// What the page of a crate must say.
fn lib_faults(text: &str) -> Vec<String> {
    let opening: String = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect::<Vec<_>>()
        .join(" ");
    let opening = opening.to_lowercase();
    ["who uses it", "invariant", "not here"]
        .iter()
        .filter(|part| !opening.contains(**part))
        .map(|part| format!(": the crate's opening does not say: {part}"))
        .collect()
}

fn line_faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // A build script talks to cargo by printing.
    let printing = PRINTING.iter().any(|folder| name.starts_with(folder)) || name.ends_with("/build.rs");
    // By custom the tests are the last thing in a file.
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    for (number, line) in code.enumerate() {
        let line = line.trim_start();
        if line.starts_with("//") {
            continue;
        }
        let number = number + 1;
        if !printing
            && ["print!(", "println!(", "eprintln!(", "eprint!("]
                .iter()
                .any(|call| line.contains(call))
        {
            faults.push(format!(":{number}: only the command line prints"));
        }
        if name.starts_with(QUERIES_IN_FILES) && begins_a_statement(line) {
            faults.push(format!(":{number}: a query is in a .sql file of its own"));
        } else if name.starts_with("crates/") && changes_a_schema(line) {
            faults.push(format!(
                ":{number}: a schema is changed by a migration, in a .sql file"
            ));
        }
    }
    faults
}

/// Whether a string begins a statement here, or the line does, as the rest of a string that was begun above.
fn begins_a_statement(line: &str) -> bool {
    iter::once(line).chain(line.split('"').skip(1)).any(|text| {
        let text = text.trim_start();
        STATEMENTS.iter().any(|verb| {
            text.strip_prefix(verb)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';', '\\']))
        })
    })
}

fn changes_a_schema(line: &str) -> bool {
    VERBS
        .iter()
        .filter_map(|verb| line.split_once(verb))
        .any(|(before, after)| {
            before.ends_with(['"', ' ']) && OBJECTS.iter().any(|object| after.starts_with(object))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        file_faults(Path::new(path), text)
    }

    #[test]
    fn long_files_are_faults_outside_tests() {
        let long = "fn f() {}\n".repeat(LINES + 1);
        assert_eq!(of("crates/vault/src/pack.rs", &long).len(), 1);
        assert!(of("crates/vault/tests/it/pack.rs", &long).is_empty());
        assert!(of("crates/vault/src/pack.rs", &"fn f() {}\n".repeat(LINES)).is_empty());
    }

    #[test]
    fn names_that_say_nothing_are_faults() {
        assert_eq!(of("crates/vault/src/utils.rs", "").len(), 1);
        assert_eq!(of("crates/vault/src/core/pack.rs", "").len(), 1);
        assert!(of("crates/vault/src/scored.rs", "").is_empty());
    }

    #[test]
    fn statements_are_ascii() {
        assert!(sql_faults(Path::new("a.sql"), "-- a\nselect 1\n").is_empty());
        assert_eq!(
            sql_faults(Path::new("a.sql"), "select 1\n-- a\u{2026}\n"),
            [":2: a character that is not ASCII, which databases in LATIN1 refuse"]
        );
    }

    #[test]
    fn only_the_command_line_prints() {
        assert_eq!(
            of("crates/vault/src/a.rs", "fn f() {\n    println!();\n}\n").len(),
            1
        );
        assert!(of("crates/cli/src/a.rs", "println!();").is_empty());
        assert!(
            of(
                "crates/vault/src/a.rs",
                "#[cfg(test)]\nmod tests {\n println!();\n}"
            )
            .is_empty()
        );
        assert!(of("crates/vault/src/a.rs", "/// Never `println!()`.").is_empty());
    }

    #[test]
    fn schemas_are_changed_in_files() {
        let of = |text| super::tests::of("crates/server/src/journal.rs", text);
        assert_eq!(of("execute(\"CREATE TABLE step (id)\")").len(), 1);
        assert_eq!(of("execute(\"ALTER TABLE step ADD key\")").len(), 1);
        assert!(of("execute(\"DELETE FROM step WHERE id = ?1\")").is_empty());
        assert!(of("include_str!(\"migrations/0001_journal.sql\")").is_empty());
    }

    #[test]
    fn queries_of_operations_are_in_files() {
        let of = |text| super::tests::of("crates/operations/src/journal.rs", text);
        for query in [
            "execute(\"DELETE FROM step WHERE id = ?1\")",
            "    \"INSERT INTO step (id) \\",
            "let sql = format!(\"SELECT {COLUMNS}\");",
            "(\"name\", r#\" WITH a AS (\"#)",
            "db.execute_batch(\"BEGIN;\")",
            "execute(\"CREATE TABLE step (id)\")",
            // A string that was begun on the line above.
            "        UPDATE step SET state = ?2",
            "        SELECT",
        ] {
            assert_eq!(of(query).len(), 1, "{query}");
        }
        for code in [
            "include_str!(\"queries/select.sql\")",
            "execute(db, queries::COMMIT_OPERATION, [&id])",
            "    UPDATE_STEP: \"update_step.sql\",",
            "\"DELETED\"",
            "// \"SELECT 1\" is what others say",
        ] {
            assert!(of(code).is_empty(), "{code}");
        }
        assert!(super::tests::of("crates/operations/tests/it/journals.rs", "\"SELECT 1\"").is_empty());
    }

    #[test]
    fn a_crate_says_what_it_is() {
        let page = "//! A.\n//!\n//! Who uses it: b.\n//! Invariants: c.\n//! What is not here: d.\n";
        assert!(of("crates/vault/src/lib.rs", page).is_empty());
        assert_eq!(of("crates/vault/src/lib.rs", "//! vault\n").len(), 3);
    }
}
