//! Exit code, standard output and standard error of every verb.

use ostler::Terminal;
use ostler::reference::samples;
use ostler_api::document::{BackupState, Outcome};

use crate::fake::Script;
use crate::run::run;

/// Every verb, by the name of its snapshot.
const VERBS: &[(&str, &str)] = &[
    ("backup_create", "backup create /tmp"),
    ("backup_create_dry_run", "backup create /tmp --dry-run"),
    ("backup_list", "backup list"),
    ("backup_show", "backup show latest"),
    ("backup_show_partial", "backup show partial"),
    ("backup_show_files", "backup show latest --files /home/me"),
    ("backup_diff", "backup diff latest~1 latest"),
    ("backup_verify", "backup verify latest --read-data"),
    ("backup_drill", "backup drill latest --check ./check.sh"),
    ("backup_delete_plan", "backup delete nightly"),
    ("backup_delete_yes", "backup delete nightly --yes"),
    ("backup_prune_dry_run", "backup prune --keep-last 2 --dry-run"),
    ("backup_prune_plan", "backup prune --keep-last 2"),
    (
        "backup_prune_apply",
        "backup prune --keep-last 2 --apply 0123456789abcdef",
    ),
    (
        "backup_prune_changed",
        "backup prune --keep-last 2 --apply ffffffffffffffff",
    ),
    ("backup_hold", "backup hold latest --reason audit"),
    ("backup_release", "backup release latest"),
    ("backup_tag", "backup tag latest env=prod old="),
    ("restore", "restore latest --to /srv/data"),
    ("restore_dry_run", "restore latest --to /srv/data --dry-run"),
    (
        "restore_delete_extra",
        "restore latest --to /srv/data --delete-extra",
    ),
    ("restore_stdout", "restore latest --stdout /a/file"),
    ("restore_stdout_damaged", "restore latest --stdout /a/damaged"),
    ("vault_init", "vault init /srv/vault"),
    ("vault_list", "vault list"),
    ("vault_info", "vault info"),
    ("vault_probe", "vault probe"),
    ("vault_check", "vault check --read-data"),
    ("vault_check_repair_plan", "vault check --repair --dry-run"),
    ("vault_check_repair", "vault check --repair --from offsite --yes"),
    (
        "vault_mirror_dry_run",
        "vault mirror --all --to offsite --dry-run",
    ),
    ("vault_mirror", "vault mirror --latest 1 --to offsite"),
    ("vault_add", "vault add s3://backups/laptop --key /srv/key"),
    ("queue_install", "queue install --database main"),
    ("queue_install_dry_run", "queue install --dsn host=db --dry-run"),
    (
        "queue_install_schema_only",
        "queue install --schema-only --no-roles",
    ),
    ("queue_upgrade", "queue upgrade --database main"),
    ("queue_uninstall_plan", "queue uninstall --database main"),
    ("queue_drop_yes", "queue drop orders* --force --yes"),
    ("queue_list", "queue list"),
    ("queue_show", "queue show orders"),
    ("queue_status", "queue status"),
    (
        "queue_create",
        "queue create orders invoices --set ticker_max_lag=1s",
    ),
    ("queue_config", "queue config orders retry_limit=5"),
    ("queue_config_show", "queue config orders"),
    ("queue_pause", "queue pause *"),
    ("queue_resume", "queue resume *"),
    ("queue_tick", "queue tick orders"),
    ("queue_consumer_list", "queue consumer list orders mail*"),
    (
        "queue_consumer_register",
        "queue consumer register orders mailer --at 17",
    ),
    (
        "queue_consumer_unregister",
        "queue consumer unregister orders mail*",
    ),
    ("queue_peek", "queue peek orders --consumer mailer --limit 2"),
    (
        "queue_insert",
        "queue insert orders order.paid 17 --extra a --at tomorrow",
    ),
    ("queue_retry", "queue retry orders --now"),
    ("queue_dead_letter_list", "queue dead-letter list orders"),
    ("queue_dead_letter_retry", "queue dead-letter retry orders --all"),
    ("queue_dead_letter_drop", "queue dead-letter drop orders 3"),
    (
        "queue_install_trigger",
        "queue install-trigger public.orders orders --arg backup",
    ),
    ("queue_ticker", "queue ticker --all-databases --dsn host=db"),
    ("queue_ticker_stop", "queue ticker stop"),
    ("queue_top_elsewhere", "queue top"),
    (
        "retention_add",
        "retention add public.sensor_readings:time drop 13 months --tags nightly",
    ),
    ("retention_ttl", "retention ttl sensor_readings:time 4w"),
    ("retention_policy_list", "retention policy list --tags nightly"),
    ("retention_policy_show", "retention policy show events"),
    ("retention_policy_check", "retention policy check"),
    (
        "retention_policy_edit",
        "retention policy edit events --keep 4w --if-version 1",
    ),
    (
        "retention_policy_remove",
        "retention policy remove --tags nightly",
    ),
    ("retention_policy_tags", "retention policy tags"),
    ("retention_policy_export", "retention policy export"),
    ("retention_plan", "retention plan --database main"),
    ("retention_run_plan", "retention run --strategy drop --schema Ext"),
    (
        "retention_run_yes",
        "retention run --policy sensor_readings --yes",
    ),
    ("retention_undo", "retention undo sensor_readings --from cold"),
    (
        "retention_undo_dry_run",
        "retention undo sensor_readings --from cold --dry-run",
    ),
    (
        "rollup_add",
        "rollup add readings sensor_readings:time --by host --gauge cpu --counter bytes --level 1m:7d --level 1h",
    ),
    ("rollup_list", "rollup list"),
    ("rollup_show", "rollup show readings"),
    ("rollup_refresh", "rollup refresh readings --since 2025-09-01"),
    ("rollup_refresh_dry_run", "rollup refresh readings --dry-run"),
    (
        "materialize_create",
        "materialize create daily SELECT --table reports.daily --column day",
    ),
    ("materialize_refresh", "materialize refresh daily --since 4w"),
    ("materialize_drop", "materialize drop daily --keep-table"),
    ("query_run", "query run tidy --param host=a=b"),
    ("query_add", "query add tidy VACUUM"),
    ("query_remove", "query remove tidy"),
    ("rollup_remove", "rollup remove readings --with-data"),
    (
        "retention_create_policy",
        "retention create-policy --strategy=delete --tags=foo,bar --table-name=raw_metrics --partition-column=ts_day --retention-period=1",
    ),
    ("retention_rm", "retention rm --tags=foo"),
    ("retention_set_ttl", "retention set-ttl events:created delete 4w"),
    ("retention_history", "retention history --limit 5"),
    ("schedule_list", "schedule list --check"),
    ("schedule_show", "schedule show nightly"),
    (
        "schedule_edit",
        "schedule edit nightly --jitter none --if-version 1",
    ),
    ("schedule_pause", "schedule pause nightly --reason holidays"),
    ("schedule_resume", "schedule resume nightly"),
    ("schedule_remove", "schedule remove nightly"),
    ("schedule_preview", "schedule preview nightly --count 1"),
    ("schedule_run", "schedule run nightly"),
    ("schedule_run_due", "schedule run-due"),
    ("schedule_units", "schedule units --on-calendar hourly"),
    ("webhook_list", "webhook list"),
    ("webhook_show", "webhook show pager"),
    ("webhook_test", "webhook test pager"),
    ("webhook_remove", "webhook remove pager"),
    ("metrics", "metrics --refresh"),
    ("audit_list", "audit list --limit 2 --since 7d --what schedule"),
    ("serve", "serve --roles scheduler,ticker"),
    ("cluster_list", "cluster list"),
    ("cluster_show", "cluster show shop"),
    ("cluster_status", "cluster status shop"),
    ("cluster_explore", "cluster explore shop"),
    ("cluster_explore_parameters", "cluster explore shop --parameters"),
    ("operation_list", "operation list"),
    ("operation_show", "operation show 8c01"),
    ("operation_watch", "operation watch 8c01"),
    ("operation_cancel", "operation cancel 8c01"),
    ("operation_resume", "operation resume 8c01"),
    ("operation_export", "operation export"),
    ("config_check", "config check"),
    ("config_connect", "config check --connect"),
    ("config_show", "config show"),
    ("config_init", "config init"),
    ("config_env", "config env"),
];

#[test]
fn every_verb_prints_for_people_and_for_programs() {
    for (name, line) in VERBS {
        for format in ["table", "json", "jsonl"] {
            let done = run(&format!("{line} --output {format}")).done();
            insta::assert_snapshot!(format!("{name}_{format}"), format!("$ ostler {line}\n{done}"));
        }
    }
}

#[test]
fn programs_get_one_json_document_on_each_stream_or_nothing() {
    for (name, line) in VERBS {
        // The bytes that were asked for; a process in the foreground has nothing to tell when it ends.
        let tells_nothing = [
            "restore_stdout",
            "operation_export",
            "queue_ticker",
            "queue_top",
            "serve",
        ];
        if tells_nothing.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let done = run(&format!("{line} --output json")).done();
        let document: serde_json::Value =
            serde_json::from_str(&done.stdout).unwrap_or_else(|error| match done.code {
                4 if done.stdout.is_empty() => serde_json::json!({ "schema": "ostler/none/1" }),
                _ => panic!("{line}: {error} in {}", done.stdout),
            });
        assert!(
            document["schema"].as_str().unwrap().starts_with("ostler/"),
            "{line}"
        );
        if done.code == 0 {
            assert_eq!(done.stderr, "", "{line}");
        } else {
            let error: serde_json::Value = serde_json::from_str(&done.stderr).unwrap();
            assert_eq!(
                (&error["schema"], &error["exit_code"]),
                (&"ostler/error/1".into(), &done.code.into()),
                "{line}"
            );
        }
        for line in run(&format!("{line} --output jsonl")).done().stdout.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(row["schema"].is_string(), "{line}");
        }
    }
}

#[test]
fn a_quiet_verb_prints_nothing_when_it_succeeds_and_an_error_when_not() {
    for (name, line) in VERBS {
        let done = run(&format!("{line} --quiet")).done();
        let is_file = name.starts_with("restore_stdout");
        assert!(done.stdout.is_empty() || is_file, "{line}: {}", done.stdout);
        assert_eq!(done.stderr.is_empty(), done.code == 0, "{line}: {}", done.stderr);
    }
}

#[test]
fn the_aliases_of_jsonl_are_jsonl() {
    let lines = run("backup list --output jsonl").done().stdout;
    assert_eq!(lines.lines().count(), samples::backup_list().backups.len());
    for alias in ["ndjson", "json_row"] {
        assert_eq!(run(&format!("backup list --output {alias}")).done().stdout, lines);
    }
}

#[test]
fn nothing_is_wider_than_a_terminal_of_80_columns() {
    // `queue top` stays on a terminal until it is told to end; what Prometheus reads has no width.
    let has_width = |name: &str| !name.starts_with("queue_top") && name != "metrics";
    for (_, line) in VERBS.iter().filter(|(name, _)| has_width(name)) {
        let done = run(line).at_columns(80).done();
        for printed in done.stdout.lines() {
            assert!(
                printed.chars().count() <= 80,
                "{line}: {} columns\n{printed}",
                printed.chars().count()
            );
        }
    }
}

#[test]
fn colours_are_for_terminals_and_say_nothing_that_words_do_not() {
    let terminal = Terminal {
        output_width: Some(80),
        error_is_terminal: false,
        no_color: false,
    };
    let coloured = run("backup list").terminal(terminal).done().stdout;
    assert!(coloured.contains("\u{1b}[32mcomplete"), "{coloured}");
    let plain = run("backup list --color never").terminal(terminal).done().stdout;
    let stripped = ["0", "1", "2", "31", "32", "33"]
        .iter()
        .fold(coloured, |text, code| {
            text.replace(&format!("\u{1b}[{code}m"), "")
        });
    assert_eq!(stripped, plain);
    let no_color = Terminal {
        no_color: true,
        ..terminal
    };
    assert_eq!(run("backup list").terminal(no_color).done().stdout, plain);
    assert!(
        run("backup list --color always")
            .done()
            .stdout
            .contains("\u{1b}[")
    );
}

#[test]
fn outcomes_that_are_not_all_right_have_exit_codes_of_their_own() {
    let mut restore = samples::restore_report();
    restore.problems = samples::partial_detail().problems;
    let mut drill = samples::drill_report();
    drill.proof.ok = false;
    drill.check.as_mut().unwrap().exit_code = Some(3);
    let mut prune = samples::prune_report();
    prune.refused = samples::partial_detail().problems;
    let damaged = ostler_api::document::DrillReport {
        state: BackupState::Damaged,
        ..drill.clone()
    };
    let cases = [
        (
            "partial_create",
            3,
            Outcome::CreateBackup(samples::create_report(BackupState::Partial)),
        ),
        ("partial_restore", 3, Outcome::Restore(restore)),
        (
            "damaged_verify",
            6,
            Outcome::Verify(samples::verify_report(false)),
        ),
        ("failed_check_of_drill", 1, Outcome::Drill(drill)),
        ("damaged_drill", 6, Outcome::Drill(damaged)),
        ("partial_prune", 3, Outcome::Prune(prune)),
        (
            "damaged_vault",
            6,
            Outcome::CheckVault(samples::check_report(false)),
        ),
        (
            "unhealed_vault",
            6,
            Outcome::RepairVault(samples::repair_report(false)),
        ),
    ];
    for (name, code, outcome) in cases {
        let ends = samples::operation_with("any", outcome);
        let script = Script {
            ends: Some(ends),
            ..Script::default()
        };
        let done = run("operation resume 8c01").script(script.clone()).done();
        assert_eq!(done.code, code, "{name}");
        let quiet = run("operation resume 8c01 --quiet").script(script).done();
        assert_eq!((quiet.code, quiet.stdout.as_str()), (code, ""), "{name}");
        insta::assert_snapshot!(name, format!("{done}--- stderr when quiet\n{}", quiet.stderr));
    }
}

#[test]
fn completions_are_made_for_three_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let done = run(&format!("completions {shell}")).done();
        assert_eq!(done.code, 0);
        for word in ["quickstart", "one-file-system", "max-delete-ratio"] {
            assert_eq!(
                done.stdout.contains(word),
                word != "quickstart",
                "{shell}: {word}"
            );
        }
    }
    assert!(run("--version").done().stdout.starts_with("ostler 0."));
}
