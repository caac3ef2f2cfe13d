//! Words that are refused, with the code they are refused with, and what is said.

use crate::run::{run, words};

/// Command lines that are wrong by themselves.
const WRONG: &[&[&str]] = &[
    &[],
    &["backup"],
    &["nonsense"],
    &["backup", "nonsense"],
    &["backup", "list", "--nonsense"],
    &["backup", "list", "extra"],
    &["backup", "list", "--output", "yaml"],
    &["backup", "list", "--output"],
    &["backup", "list", "--progress", "fancy"],
    &["backup", "list", "--color", "blue"],
    &["backup", "list", "--config", ""],
    &["backup", "list", "--state-dir", ""],
    &["backup", "list", "--vault", ""],
    &["backup", "list", "--vault", " "],
    &["backup", "list", "--tag", "novalue"],
    &["backup", "list", "--tag", "=x"],
    &["backup", "list", "--tag", "a=1", "--tag", "a=2"],
    &["backup", "create"],
    &["backup", "create", ""],
    &["backup", "create", "/tmp", "--name", ""],
    &["backup", "create", "/tmp", "--name", "a\nb"],
    &["backup", "create", "/tmp", "--tag", "env="],
    &["backup", "create", "/tmp", "--exclude", ""],
    &["backup", "create", "/tmp", "--exclude", "[a"],
    &["backup", "create", "/tmp", "--exclude", "{a,b"],
    &["backup", "create", "/tmp", "--exclude-file", ""],
    &["backup", "create", "/tmp", "--before", ""],
    &["backup", "create", "/tmp", "--on-hook-failure", "shrug"],
    &["backup", "create", "/tmp", "--yes"],
    &["backup", "show"],
    &["backup", "show", ""],
    &["backup", "show", "latest~"],
    &["backup", "show", "latest~-1"],
    &["backup", "show", "latest", "/a"],
    &["backup", "diff", "latest"],
    &["backup", "verify", "a", "b"],
    &["backup", "drill", "latest", "--check", " "],
    &["backup", "delete"],
    &["backup", "delete", "a", "--yes", "--apply", "0123456789abcdef"],
    &["backup", "delete", "a", "--yes", "--dry-run"],
    &["backup", "delete", "a", "--apply", "0123"],
    &["backup", "delete", "a", "--apply", "0123456789abcdeg"],
    &["backup", "prune", "--keep-last", "0"],
    &["backup", "prune", "--keep-last", "-1"],
    &["backup", "prune", "--keep-last", "many"],
    &["backup", "prune", "--keep-within", "soon"],
    &["backup", "prune", "--keep-within", "0s"],
    &["backup", "prune", "--keep-tag", "x"],
    &["backup", "prune", "--group-by", "colour"],
    &["backup", "prune", "--min-keep", "0"],
    &["backup", "prune", "--max-delete-ratio", "2"],
    &["backup", "prune", "--max-delete-ratio", "NaN"],
    &["backup", "tag", "latest"],
    &["backup", "tag", "latest", "novalue"],
    &["restore"],
    &["restore", "latest", "--to", ""],
    &["restore", "latest", "--include", ""],
    &["restore", "latest", "--overwrite", "maybe"],
    &["restore", "latest", "--stdout", ""],
    &["restore", "latest", "--stdout", "f", "--to", "d"],
    &["restore", "latest", "--stdout", "f", "--delete-extra"],
    &["vault", "init", "--unencrypted", "--key", "k"],
    &["vault", "init", "--age", ""],
    &["vault", "init", "--unencrypted=yes"],
    &["vault", "add"],
    &["vault", "add", "/v", "--key", "k", "--passphrase-file", "p"],
    &["operation", "show"],
    &["operation", "list", "--limit", "0"],
    &["completions", "tcsh"],
    &["config", "nonsense"],
];

#[test]
fn wrong_words_are_usage_errors_that_ask_for_nothing() {
    assert!(WRONG.len() >= 40);
    let mut text = String::new();
    for line in WRONG {
        let done = words(line.iter().copied()).done();
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{line:?}\n{done}");
        assert!(done.asked.is_empty(), "{line:?}: {:?}", done.asked);
        assert!(done.stderr.starts_with("error: "), "{line:?}: {}", done.stderr);
        text.push_str(&format!("{line:?}\n{}\n", done.stderr));
        let json = words(["--output=json"].into_iter().chain(line.iter().copied())).done();
        let error: serde_json::Value = serde_json::from_str(&json.stderr)
            .unwrap_or_else(|error| panic!("{line:?}: {error} in {}", json.stderr));
        assert_eq!((json.code, &error["kind"]), (2, &"invalid".into()), "{line:?}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn things_that_are_not_there_are_not_found() {
    for line in [
        "backup create /nothing/here",
        "backup create /tmp --exclude-file /nothing/here",
    ] {
        let done = run(line).done();
        assert_eq!(done.code, 7, "{line}\n{done}");
        assert!(done.asked.is_empty(), "{line}");
    }
}

#[test]
fn a_file_of_patterns_is_refused_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("patterns");
    std::fs::write(&file, "*.tmp\n[a\n").unwrap();
    let done = words([
        "backup",
        "create",
        "/tmp",
        "--exclude-file",
        file.to_str().unwrap(),
    ])
    .done();
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("line 2 of"), "{done}");
    std::fs::write(&file, b"\xff\xfe\n").unwrap();
    assert_eq!(
        words([
            "backup",
            "create",
            "/tmp",
            "--exclude-file",
            file.to_str().unwrap()
        ])
        .done()
        .code,
        2
    );
}
