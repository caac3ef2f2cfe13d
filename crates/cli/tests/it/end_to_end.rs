//! The real binary with a home of its own: the whole way, and the exit codes on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::tree;
use serde_json::Value;
use tempfile::TempDir;

fn ostler() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

/// A directory with a few files of several kinds.
fn source() -> TempDir {
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    fs::create_dir_all(source.path().join("deep/er")).unwrap();
    fs::write(source.path().join("a file"), "content\n").unwrap();
    fs::write(source.path().join("deep/er/big"), vec![7; 3 << 20]).unwrap();
    fs::write(source.path().join("empty"), "").unwrap();
    std::os::unix::fs::symlink("a file", source.path().join("link")).unwrap();
    source
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn code(output: &Output, expected: i32) -> &Output {
    assert_eq!(output.status.code(), Some(expected), "{}", said(output));
    output
}

fn id(report: &Value) -> String {
    report["backup"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_backup_is_made_proven_listed_and_restored_without_any_configuration() {
    let (ostler, source) = (ostler(), source());
    let before = tree::read(source.path());
    let created = ostler.run([
        "backup",
        "create",
        text(source.path()),
        "--name",
        "first",
        "--tag",
        "env=test",
    ]);
    let words = said(code(&created, 0));
    assert!(words.contains("is complete"), "{words}");
    assert!(
        words.contains(text(&ostler.key())),
        "the first output does not say where the key is\n{words}"
    );

    let list = ostler.json(["backup", "list"]);
    assert_eq!(list["schema"], "ostler/backup-list/1");
    assert_eq!(
        (&list["backups"][0]["name"], &list["backups"][0]["state"]),
        (&"first".into(), &"complete".into())
    );
    let shown = ostler.json(["backup", "show", "first"]);
    assert_eq!(shown["tags"]["env"], "test");
    let files = ostler.json(["backup", "show", "latest", "--files"]);
    assert!(
        files["files"]
            .as_array()
            .unwrap()
            .iter()
            .any(|file| file["path"].as_str().unwrap().ends_with("/deep/er/big"))
    );

    let verified = ostler.json(["backup", "verify", "first", "--read-data"]);
    assert_eq!(verified["state"], "verified");
    let drilled = ostler.json([
        "backup",
        "drill",
        "first",
        "--check",
        "test -e 'a file' -o -e */'a file'",
    ]);
    assert_eq!(
        (&drilled["state"], &drilled["proof"]["ok"]),
        (&"verified".into(), &true.into())
    );

    let target = ostler.home().join("target");
    ostler.ok(["restore", "first", "--to", text(&target)]);
    let difference = tree::difference(&before, &tree::read(&target));
    assert!(difference.is_empty(), "{difference}");
    let one = ostler.run([
        "restore",
        "first",
        "--stdout",
        text(&source.path().join("a file")),
    ]);
    assert_eq!(code(&one, 0).stdout, b"content\n");

    fs::write(source.path().join("a file"), "other content\n").unwrap();
    let second = ostler.json(["backup", "create", text(source.path())]);
    let diff = ostler.json(["backup", "diff", "first", &id(&second)]);
    let changed: Vec<&str> = diff["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["change"] == "modified")
        .map(|e| e["path"].as_str().unwrap())
        .collect();
    assert_eq!(changed.len(), 1, "{diff}");
    assert!(changed[0].ends_with("/a file"), "{diff}");

    let operations = ostler.json(["operation", "list"]);
    assert!(
        operations["operations"]
            .as_array()
            .unwrap()
            .iter()
            .all(|operation| operation["state"] == "succeeded")
    );
    assert!(
        ostler
            .ok(["operation", "export"])
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    ostler.ok(["vault", "check", "--read-data"]);
    assert_eq!(
        ostler.json(["vault", "info"])["backups"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_u64)
            .sum::<u64>(),
        2
    );
}

#[test]
fn what_destroys_goes_by_plan_and_digest() {
    let (ostler, source) = (ostler(), source());
    for name in ["one", "two", "three"] {
        ostler.ok(["backup", "create", text(source.path()), "--name", name]);
    }
    let prune = ["backup", "prune", "--keep-last", "1"];
    let refused = ostler.run(prune);
    assert!(said(code(&refused, 4)).contains("--apply "));
    assert_eq!(
        ostler.json(["backup", "list"])["backups"]
            .as_array()
            .unwrap()
            .len(),
        3
    );

    let plan = ostler.json([&prune[..], &["--dry-run"]].concat());
    let digest = plan["digest"].as_str().unwrap();
    let wrong = ostler.run([&prune[..], &["--apply", &"0".repeat(64)]].concat());
    assert!(
        said(code(&wrong, 4)).contains(&digest[..16]),
        "the new digest is not printed\n{}",
        said(&wrong)
    );
    let pruned = ostler.json([&prune[..], &["--apply", digest]].concat());
    assert_eq!(pruned["deleted"].as_array().unwrap().len(), 2);
    let left = ostler.json(["backup", "list"]);
    assert_eq!(
        (
            left["backups"].as_array().unwrap().len(),
            &left["backups"][0]["name"]
        ),
        (1, &"three".into())
    );
    ostler.ok(["backup", "verify", "three", "--read-data"]);

    ostler.ok(["backup", "create", text(source.path()), "--name", "four"]);
    ostler.ok(["backup", "hold", "three", "--reason", "audit"]);
    assert_eq!(ostler.json(["backup", "show", "three"])["held"], true);
    ostler.ok(["backup", "release", "three"]);
    ostler.ok(["backup", "tag", "three", "keep=yes"]);
    assert_eq!(ostler.json(["backup", "show", "three"])["tags"]["keep"], "yes");
    code(&ostler.run(["backup", "delete", "four"]), 4);
    ostler.ok(["backup", "delete", "four", "--yes"]);
    code(&ostler.run(["backup", "show", "four"]), 7);
}

#[test]
fn a_restore_removes_and_replaces_only_what_was_agreed_to() {
    let (ostler, source) = (ostler(), source());
    let expected = tree::read(source.path());
    ostler.ok(["backup", "create", text(source.path()), "--name", "b"]);
    fs::write(source.path().join("a file"), "changed since\n").unwrap();
    fs::write(source.path().join("extra"), "not in the backup\n").unwrap();

    let kept = ostler.run(["restore", "b"]);
    code(&kept, 4);
    assert_eq!(
        fs::read(source.path().join("a file")).unwrap(),
        b"changed since\n"
    );
    let all = ["restore", "b", "--overwrite", "different", "--delete-extra"];
    let unapproved = ostler.run(all);
    assert!(
        said(code(&unapproved, 4)).contains("extra"),
        "{}",
        said(&unapproved)
    );
    assert!(source.path().join("extra").exists());
    ostler.ok([&all[..], &["--yes"]].concat());
    let difference = tree::difference(&expected, &tree::read(source.path()));
    assert!(difference.is_empty(), "{difference}");
}

#[test]
fn every_way_to_fail_has_its_exit_code_and_a_document() {
    let (ostler, source) = (ostler(), source());
    let fails = |words: &[&str], expected: i32, kind: &str| {
        let output = ostler.run([words, &["--output", "json"]].concat());
        let document: Value = serde_json::from_slice(&code(&output, expected).stderr)
            .unwrap_or_else(|error| panic!("{words:?}: {error}\n{}", said(&output)));
        assert_eq!(
            (&document["kind"], &document["exit_code"]),
            (&kind.into(), &expected.into()),
            "{words:?}"
        );
    };
    fails(&["backup", "list", "--nonsense"], 2, "invalid");
    fails(&["backup", "create", "/nothing/here"], 7, "not_found");
    ostler.ok(["backup", "create", text(source.path()), "--name", "b"]);
    fails(&["backup", "show", "nonsense"], 7, "not_found");
    fails(&["backup", "list", "--tag", "no=such"], 7, "not_found");
    fails(&["backup", "verify", "latest~7"], 7, "not_found");
    fails(&["backup", "list", "--vault", "nonsense"], 7, "not_found");
    fails(&["operation", "show", "ffffffff"], 7, "not_found");
    fails(&["backup", "delete", "b"], 4, "refused");
    assert_eq!(ostler.ok(["backup", "list", "--quiet"]), "");

    // A pack that is gone makes the backup damaged.
    let vault = ostler.vault();
    let packs = tree::read(&vault.join("packs"));
    for (path, _) in packs.iter().filter(|(_, node)| node.kind == 'f') {
        fs::remove_file(vault.join("packs").join(path)).unwrap();
    }
    code(&ostler.run(["backup", "verify", "b"]), 6);
    code(&ostler.run(["vault", "check"]), 6);
    assert_eq!(ostler.json(["backup", "show", "b"])["state"], "damaged");
    let target = ostler.home().join("target");
    assert_ne!(
        ostler.run(["restore", "b", "--to", text(&target)]).status.code(),
        Some(0)
    );
}

#[test]
fn a_file_that_cannot_be_read_makes_the_backup_partial() {
    let (ostler, source) = (ostler(), source());
    let failing = ostler.run([
        "backup",
        "create",
        text(source.path()),
        "--before",
        "exit 3",
        "--on-hook-failure",
        "partial",
        "--output",
        "json",
    ]);
    let report: Value = serde_json::from_slice(&code(&failing, 3).stdout).unwrap();
    assert_eq!(report["backup"]["state"], "partial");
    let error: Value = serde_json::from_slice(&failing.stderr).unwrap();
    assert_eq!(error["kind"], "partial");
    code(
        &ostler.run(["restore", "latest", "--to", text(&ostler.home().join("target"))]),
        7,
    );
}

#[test]
fn the_configuration_that_init_prints_is_read_back() {
    let ostler = ostler();
    let template = ostler.ok(["config", "init"]);
    ostler.configure(&template);
    ostler.ok(["config", "check"]);
    assert!(
        ostler.json(["config", "show"])["settings"]
            .as_array()
            .unwrap()
            .len()
            > 3
    );
    let names: Vec<String> = ostler.json(["config", "env"])["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"OSTLER_STATE_DIR".to_owned()));
    ostler.configure("version = 1\nnonsense = 2\n");
    for verb in [["config", "check"], ["backup", "list"]] {
        assert!(said(code(&ostler.run(verb), 2)).contains("nonsense"));
    }
    ostler.ok(["config", "init"]);
}

#[test]
fn a_vault_is_made_by_name_and_never_over_another() {
    let (ostler, source) = (ostler(), source());
    let place = ostler.home().join("second");
    let made = ostler.json(["vault", "init", text(&place), "--name", "second"]);
    let key = made["key_file"].as_str().unwrap();
    assert_eq!(
        fs::metadata(key).unwrap().permissions().mode() & 0o077,
        0,
        "others can read the key"
    );
    code(
        &ostler.run(["vault", "init", text(&place), "--name", "second"]),
        4,
    );
    ostler.ok(["backup", "create", text(source.path()), "--vault", "second"]);
    assert_eq!(
        ostler.json(["backup", "list", "--vault", "second"])["backups"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
