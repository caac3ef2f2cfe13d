//! The start pages work: their blocks marked `console` are run, and print what they say. How they are compared is in
//! `docs/dev/testing.md`. `OSTLER_TEST_FILL_DOCS=1` writes what was printed into the page instead.

#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{free_ports, shared_postgres};

/// What the page calls the home directory.
const HOME: &str = "/home/ada";
/// What the page calls the machine.
const HOST: &str = "laptop";
const UNITS: &[&str] = &["B", "KiB", "MiB", "GiB", "ms", "s", "min", "h", "ago"];

#[test]
fn the_start_page_does_what_it_says() {
    does_what_it_says("first-backup.md", &Home::new(Vec::new()));
}

#[test]
fn the_start_page_of_the_dashboard_does_what_it_says() {
    let home = Home::new(Vec::new());
    does_what_it_says("first-dashboard.md", &home);
    // The page stops its server; a page that failed in between has not.
    let _ = home.run("kill $(cat ~/.local/share/ostler/serve.pid)");
}

#[test]
fn the_guide_to_a_second_vault_does_what_it_says() {
    does_what_it_says("../guides/second-vault.md", &Home::new(Vec::new()));
}

#[test]
fn the_start_page_of_schedules_does_what_it_says() {
    does_what_it_says("first-schedule.md", &Home::new(Vec::new()));
}

#[test]
fn the_start_page_of_clusters_does_what_it_says() {
    let home = Home::new(Vec::new());
    does_what_it_says("first-cluster.md", &home);
    // The page stops its agents; a page that failed in between has not.
    let _ = home.run("kill $(cat agents.pid)");
}

#[test]
fn the_start_page_of_queues_does_what_it_says() {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let home = Home::new(server.environment(&server.database()));
    does_what_it_says("first-queue.md", &home);
    // The page stops its ticker; a page that failed in between has not.
    let _ = home.run("ostler queue ticker stop");
}

#[test]
fn the_start_page_of_retention_does_what_it_says() {
    does_with_tables("first-retention.md");
}

#[test]
fn the_start_page_of_archives_does_what_it_says() {
    does_with_tables("first-archive.md");
}

#[test]
fn the_start_page_of_rollups_does_what_it_says() {
    does_with_tables("first-rollup.md");
}

#[test]
fn the_guide_to_tenants_does_what_it_says() {
    does_with_tables("../guides/tenants.md");
}

/// A page that begins with tables to make.
fn does_with_tables(name: &str) {
    let Some(server) = shared_postgres(Release::Eighteen) else {
        return;
    };
    let database = server.database();
    let text = fs::read_to_string(page(name)).unwrap();
    let statements = text
        .split_once("```sql\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    server.sql(&database, statements.unwrap().0);
    does_what_it_says(name, &Home::new(server.environment(&database)));
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/start")
        .join(name)
}

fn does_what_it_says(name: &str, home: &Home) {
    let page = page(name);
    let text = fs::read_to_string(&page).unwrap();
    let mut filled = String::new();
    let mut faults = Vec::new();
    let mut commands = 0;
    let mut last_code = 0;
    for part in parts(&text) {
        let Part::Command {
            line,
            command,
            expected,
        } = part
        else {
            let Part::Text(text) = part else { unreachable!() };
            filled.push_str(text);
            continue;
        };
        commands += 1;
        let (code, printed) = if command == "echo $?" {
            (0, format!("{last_code}\n"))
        } else {
            let (code, printed) = home.run(command);
            if code != 0 && !asks_for_the_code(&text, line) {
                faults.push(format!("line {line}: `{command}` ended with {code}:\n{printed}"));
            }
            last_code = code;
            (code, printed)
        };
        if !alike(&expected, &printed) {
            faults.push(format!(
                "line {line}: `{command}` ({code}) printed\n{printed}\nand not\n{}",
                expected.join("\n")
            ));
        }
        filled.push_str(&format!("$ {command}\n{printed}"));
    }
    assert!(commands > 5, "the page has only {commands} commands");
    if std::env::var_os("OSTLER_TEST_FILL_DOCS").is_some() {
        fs::write(&page, filled).unwrap();
        return;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

enum Part<'a> {
    Text(&'a str),
    Command {
        line: usize,
        command: &'a str,
        expected: Vec<&'a str>,
    },
}

/// The page in pieces: a command with what it prints, and everything else, each with its line end.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut console = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end_matches('\n');
        if bare.starts_with("```") {
            console = bare == "```console";
            parts.push(Part::Text(line));
        } else if let (true, Some(command)) = (console, bare.strip_prefix("$ ")) {
            parts.push(Part::Command {
                line: number + 1,
                command,
                expected: Vec::new(),
            });
        } else {
            match parts.last_mut() {
                Some(Part::Command { expected, .. }) if console => expected.push(bare),
                _ => parts.push(Part::Text(line)),
            }
        }
    }
    parts
}

/// Whether the next command after the one in this line is `echo $?`.
fn asks_for_the_code(text: &str, line: usize) -> bool {
    text.lines()
        .skip(line)
        .find(|line| line.starts_with("$ ") || line.starts_with("```"))
        == Some("$ echo $?")
}

/// A home directory with documents in it.
struct Home {
    directory: tempfile::TempDir,
    path: PathBuf,
    /// What commands get besides, such as where the database is.
    environment: Vec<(&'static str, String)>,
    /// What listens in place of the port that pages name.
    port: String,
}

/// The port that pages name.
const PORT: &str = "7070";

impl Home {
    fn new(environment: Vec<(&'static str, String)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        let documents = path.join("documents");
        fs::create_dir_all(documents.join("2026/invoices")).unwrap();
        fs::write(documents.join("letter.txt"), "Dear reader,\n".repeat(40)).unwrap();
        for month in 1..=12 {
            let text = format!("invoice {month}\n").repeat(2000 * month);
            fs::write(documents.join(format!("2026/invoices/{month:02}.txt")), text).unwrap();
        }
        std::os::unix::fs::symlink("2026/invoices/12.txt", documents.join("newest")).unwrap();
        let home = Self {
            directory,
            path,
            environment,
            port: free_ports::<1>().unwrap()[0].to_string(),
        };
        home.settle();
        home
    }

    /// Returns when the documents are old enough for their times to prove that nobody changed them since.
    fn settle(&self) {
        let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let probe = self.path.join("probe");
        let newest = changed(&self.path.join("documents/2026/invoices/12.txt"));
        loop {
            fs::write(&probe, "").unwrap();
            fs::write(&probe, "now").unwrap();
            if changed(&probe) > newest + Duration::from_millis(250) {
                break;
            }
            std::thread::yield_now();
        }
        fs::remove_file(&probe).unwrap();
    }

    /// Exit code, and both outputs with the page's names of home and machine.
    fn run(&self, command: &str) -> (i32, String) {
        let binary = Path::new(env!("CARGO_BIN_EXE_ostler"));
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {}", command.replace(PORT, &self.port))])
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", binary.parent().unwrap().display()))
            .env("HOME", &self.path)
            .env("TZ", "UTC")
            .env("COLUMNS", "100")
            .envs(self.environment.iter().cloned())
            .env(
                "LLVM_PROFILE_FILE",
                std::env::var_os("LLVM_PROFILE_FILE").unwrap_or_default(),
            )
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let printed = printed
            .replace(&self.path.display().to_string(), HOME)
            .replace(host.trim(), HOST)
            .replace(&format!(":{}", self.port), &format!(":{PORT}"));
        let value = |name: &str| {
            self.environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        let printed = match (value("PGPORT"), value("PGDATABASE")) {
            (Some(port), Some(database)) => {
                printed.replace(&format!("127.0.0.1:{port}/{database}"), "localhost/app")
            }
            _ => printed,
        };
        (output.status.code().unwrap_or(-1), printed)
    }
}

/// Whether the lines are the same but for numbers, ids, times and sizes; `…` stands for anything in a line, a line with
/// nothing else for any number of lines.
fn alike(expected: &[&str], printed: &str) -> bool {
    let printed: Vec<String> = printed.lines().map(normal).collect();
    let expected: Vec<String> = expected.iter().map(|line| normal(line)).collect();
    lines_alike(&expected, &printed)
}

fn lines_alike(expected: &[String], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|skip| lines_alike(rest, &printed[skip..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, others)| line_alike(first, line) && lines_alike(rest, others)),
    }
}

fn line_alike(expected: &str, line: &str) -> bool {
    let mut pieces = expected.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// The line with numbers, ids, times and sizes as `#`, and one blank between words.
fn normal(line: &str) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for character in line.chars().chain(std::iter::once(' ')) {
        if character.is_ascii_alphanumeric() {
            word.push(character);
            continue;
        }
        let id = word.len() >= 6
            && word
                .chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase());
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        text.push_str(if id || number { "#" } else { &word });
        word.clear();
        text.push(character);
    }
    for between in [".", ":", "-", ",", "T"] {
        while text.contains(&format!("#{between}#")) {
            text = text.replace(&format!("#{between}#"), "#");
        }
    }
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let after_number = words.last().is_some_and(|last| last.ends_with('#'));
        if after_number && (word == "#" || UNITS.contains(&word)) {
            continue;
        }
        words.push(word);
    }
    words.join(" ")
}

#[test]
fn a_page_that_says_something_else_is_not_alike() {
    assert!(alike(
        &["made a3f9c2e1 in 12 ms", "…", "end"],
        "made  b4aa00ff in 1.5 s\nany\nthing\nend\n"
    ));
    assert!(alike(
        &["2026-11-21 10:30:59  1.5 MiB  ok"],
        "2027-01-02 11:00:00   900 KiB   ok\n"
    ));
    assert!(alike(
        &["key in …/default.key"],
        "key in /home/ada/keys/default.key\n"
    ));
    assert!(alike(&[], ""));
    assert!(!alike(&["complete"], "partial\n"));
    assert!(!alike(&["complete"], "complete\nmore\n"));
    assert!(!alike(&["a … c"], "a b d\n"));
    assert!(!alike(&[], "error: no\n"));
}
