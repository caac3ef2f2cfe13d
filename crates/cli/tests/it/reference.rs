//! The generated pages are those that are checked in.

use std::fs;
use std::path::Path;

#[test]
fn the_reference_pages_are_what_the_program_says() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in ostler::reference::pages() {
        let file = repository.join(path);
        if std::env::var_os("OSTLER_TEST_WRITE_DOCS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == text,
            "{path} is not what the program says: run `cargo xtask docs`"
        );
    }
}

#[test]
fn the_page_of_commands_has_every_verb() {
    let page = ostler::reference::commands_markdown();
    for verb in [
        "backup create",
        "backup list",
        "backup show",
        "backup diff",
        "backup verify",
        "backup drill",
        "backup delete",
        "backup prune",
        "backup hold",
        "backup release",
        "backup tag",
        "restore",
        "vault init",
        "vault list",
        "vault info",
        "vault check",
        "vault mirror",
        "vault add",
        "vault key list",
        "vault key add",
        "vault key remove",
        "vault key rotate",
        "vault key sheet",
        "schedule add",
        "schedule list",
        "schedule run-due",
        "serve",
        "webhook add",
        "webhook test",
        "metrics",
        "audit list",
        "retention add",
        "retention ttl",
        "retention policy add",
        "retention policy list",
        "retention policy show",
        "retention policy edit",
        "retention policy remove",
        "retention policy check",
        "retention policy tags",
        "retention policy import",
        "retention policy export",
        "retention plan",
        "retention run",
        "retention undo",
        "retention history",
        "rollup add",
        "rollup list",
        "rollup show",
        "rollup refresh",
        "rollup remove",
        "materialize create",
        "materialize list",
        "materialize show",
        "materialize refresh",
        "materialize drop",
        "query run",
        "query add",
        "query list",
        "query show",
        "query remove",
        "queue install",
        "queue upgrade",
        "queue uninstall",
        "queue ticker",
        "queue status",
        "queue top",
        "queue list",
        "queue show",
        "queue create",
        "queue drop",
        "queue config",
        "queue pause",
        "queue resume",
        "queue tick",
        "queue consumer list",
        "queue consumer register",
        "queue consumer unregister",
        "queue peek",
        "queue consume",
        "queue move",
        "queue split",
        "queue load",
        "queue redirect",
        "queue insert",
        "queue retry",
        "queue dead-letter list",
        "queue dead-letter retry",
        "queue dead-letter drop",
        "queue install-trigger",
        "operation list",
        "operation show",
        "operation watch",
        "operation cancel",
        "operation resume",
        "operation export",
        "token add",
        "token list",
        "token remove",
        "token link",
        "user add",
        "user list",
        "user password",
        "user remove",
        "serve",
        "config check",
        "config show",
        "config init",
        "config env",
        "completions",
    ] {
        assert!(page.contains(&format!("# `ostler {verb}`\n")), "{verb}");
    }
}
