//! What verbs say where there is nothing yet, or nothing to do.

use crate::fake::Script;
use crate::run::run;

#[test]
fn an_empty_vault_is_a_hint_and_a_selector_that_matches_nothing_an_error() {
    let empty = || Script {
        empty: true,
        ..Script::default()
    };
    let done = run("backup list").script(empty()).done();
    insta::assert_snapshot!(done.to_string(), @r"
    exit code 0
    --- stdout
    --- stderr
    hint: vault `default` has no backups yet; make one with `ostler backup create PATH`
    ");
    assert_eq!(run("backup list --output json").script(empty()).done().stderr, "");
    let done = run("backup list --host nowhere --tag env=x")
        .script(empty())
        .done();
    insta::assert_snapshot!(done.to_string(), @r"
    exit code 7
    --- stdout
    --- stderr
    error: no backup in vault `default` matches host `nowhere` and tag `env=x`

    hint: `ostler backup list` without filters shows all
    ");
}

#[test]
fn the_first_backup_says_where_the_key_is() {
    let first = || Script {
        first: true,
        ..Script::default()
    };
    let done = run("backup create /tmp --vault offsite").script(first()).done();
    assert!(done.stdout.contains("keys/default.key\n"), "{done}");
    assert!(done.stdout.contains("Copy it to another place"), "{done}");
    assert!(
        done.stdout
            .contains("ostler backup drill 3f2a9c03 --vault offsite "),
        "{done}"
    );
    let asked_for_it = |asked: &String| asked.contains("vault Some") && asked.contains("offsite");
    assert!(done.asked.iter().any(asked_for_it), "{:?}", done.asked);
    let json: serde_json::Value = serde_json::from_str(
        &run("backup create /tmp --output json")
            .script(first())
            .done()
            .stdout,
    )
    .unwrap();
    assert_eq!(json["key_file"], "/home/me/.local/share/ostler/keys/default.key");
    assert!(!run("backup create /tmp").done().stdout.contains(".key"));
}

#[test]
fn a_plan_with_nothing_to_do_needs_no_approval_and_starts_nothing() {
    let script = Script {
        nothing_to_prune: true,
        ..Script::default()
    };
    let done = run("backup prune --keep-last 2").script(script).done();
    assert_eq!(done.code, 0, "{done}");
    assert!(!done.asked.contains(&"start".to_owned()), "{:?}", done.asked);
}
