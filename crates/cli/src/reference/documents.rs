//! `docs/reference/output.md`

use std::fmt::Write;

use ostler_api::document::{BackupState, Outcome};
use ostler_api::request::{Prune, Request};
use serde::Serialize;
use serde_json::Value;

use super::{GENERATED, samples};
use crate::output::{Schema, schema};

/// Every document that `--output json` prints, each by an example.
#[must_use]
pub fn output_markdown() -> String {
    let mut page = format!("# Output for programs\n\n{GENERATED}\n");
    page.push_str(
        "`--output json` prints one document. `--output jsonl` (also `ndjson`, `json_row`) prints the same on one line; \
         of a list it prints a line for each row, which also has what the list says of all rows.\n\n\
         The first field, `schema`, is `ostler/NAME/VERSION`. Fields may be added without a new version: readers must \
         ignore those that they do not know. A field that goes, or changes its meaning, makes a new version.\n\n\
         Times are UTC (RFC 3339), lengths of time are milliseconds, sizes are bytes. Bytes of paths that are not \
         UTF-8 appear as `\\xNN`. An error is a document of its own on standard error, always on one line; the exit \
         code is in it. With `--progress json`, events are lines on standard error.\n",
    );
    for (schema, made_by, value) in examples() {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "\n## `{}`\n\n{made_by}", schema.name);
        if let Some((field, row)) = schema.rows {
            let _ = writeln!(page, "\nWith `jsonl`, each of `{field}` is a document `{row}`.");
        }
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        let _ = writeln!(page, "\n```json\n{text}\n```");
    }
    page
}

/// Every schema, what prints it, and an example.
pub(crate) fn examples() -> Vec<(Schema, &'static str, Value)> {
    use schema::*;

    let prune = samples::plan(Request::Prune(Prune::default()));
    let marked = serde_json::json!({ "backup": samples::backup_id(3), "mark": samples::mark() });
    let cancel = serde_json::json!({ "operation": samples::operation_id(1), "leave": false });
    let limit =
        serde_json::json!({ "operation": samples::operation_id(1), "upload": 10_485_760, "requests": 0 });
    let script = serde_json::json!({ "sql": "create schema pgq;\n" });
    let tokens = serde_json::json!({ "tokens": [
        { "name": "grafana", "role": "viewer", "created": samples::now() },
    ] });
    let users = serde_json::json!({ "users": [
        { "name": "ada", "role": "operator", "clusters": ["shop"], "created": samples::at(86_400), "password_changed": samples::at(3600) },
    ] });
    let user = serde_json::json!({ "name": "ada", "role": "operator", "clusters": ["shop"], "password": "kq3v7m-…" });
    let token = serde_json::json!({ "name": "grafana", "role": "viewer", "token": "ostler_5m0S…" });
    let link = serde_json::json!({ "url": "http://127.0.0.1:7070/enter/ostler_5m0S…" });
    let exported = serde_json::json!({
        "file": "/srv/state.json", "schedules": 2, "users": 2, "tokens": 1, "webhooks": 1, "left_out": [], "digest": "9c1d4e5f…",
    });
    let imported = serde_json::json!({
        "items": [
            { "kind": "schedule", "name": "nightly", "action": "add", "reason": null },
            { "kind": "user", "name": "ada", "action": "conflict", "reason": "there is another user of that name here" },
        ],
        "secrets": [["pager", "whsec_MfKQ…"]],
    });
    let due = ostler_api::document::FiringList {
        firings: vec![samples::firing()],
    };
    let cassandra = serde_json::json!({ "done": "snapshot", "jmx": "127.0.0.1:7199" });
    let units = serde_json::json!({ "units": "[Unit]\n" });
    let template = serde_json::json!({ "toml": "version = 1\n" });
    let variables = serde_json::json!({ "variables": samples::variables() });
    vec![
        example(BACKUP_LIST, "`ostler backup list`", &samples::backup_list()),
        example(BACKUP, "`ostler backup show`", &samples::backup_detail()),
        example(FILE_LIST, "`ostler backup show --files`", &samples::file_list()),
        example(DIFF, "`ostler backup diff`", &samples::diff()),
        example(MARKED, "`ostler backup hold`, `release` and `tag`", &marked),
        example(
            PLAN,
            "`--dry-run`, and what destroys something without an approval",
            &prune,
        ),
        report(
            CREATE_REPORT,
            "`ostler backup create`",
            &samples::create_report(BackupState::Complete),
        ),
        report(RESTORE_REPORT, "`ostler restore`", &samples::restore_report()),
        report(
            VERIFY_REPORT,
            "`ostler backup verify`",
            &samples::verify_report(true),
        ),
        report(DRILL_REPORT, "`ostler backup drill`", &samples::drill_report()),
        report(
            PRUNE_REPORT,
            "`ostler backup delete` and `prune`",
            &samples::prune_report(),
        ),
        report(
            CHECK_REPORT,
            "`ostler vault check`",
            &samples::check_report(false),
        ),
        report(
            REPAIR_REPORT,
            "`ostler vault check --repair`",
            &samples::repair_report(true),
        ),
        report(MIRROR_REPORT, "`ostler vault mirror`", &samples::mirror_report()),
        example(KEY_LIST, "`ostler vault key list`", &samples::key_list()),
        report(
            KEY_REPORT,
            "`ostler vault key add`, `remove` and `rotate`",
            &samples::key_report(),
        ),
        example(VAULT_LIST, "`ostler vault list`", &samples::vault_list()),
        example(
            VAULT,
            "`ostler vault info`, `init` and `add`",
            &samples::vault_info(),
        ),
        example(CLUSTER_LIST, "`ostler cluster list`", &samples::cluster_list()),
        example(
            CLUSTER,
            "`ostler cluster show`, `init` and `add`",
            &samples::cluster_info(),
        ),
        example(
            CLUSTER_ADOPTION,
            "`ostler cluster adopt`",
            &samples::cluster_adoption(),
        ),
        example(CASSANDRA_NODE, "`ostler cassandra`", &cassandra),
        example(
            CLUSTER_STATUS,
            "`ostler cluster status`",
            &samples::cluster_status(),
        ),
        example(
            CLUSTER_EXPLORATION,
            "`ostler cluster explore`",
            &samples::cluster_exploration(),
        ),
        example(
            OPERATION_LIST,
            "`ostler operation list`",
            &samples::operation_list(),
        ),
        example(
            OPERATION,
            "`ostler operation show`",
            &samples::operation_with("prune", Outcome::Prune(samples::prune_report())),
        ),
        example(
            OPERATION_NODES,
            "`ostler operation watch --output jsonl`, once a second, of an operation on a cluster",
            &samples::operation_nodes(),
        ),
        example(OPERATION_CANCEL, "`ostler operation cancel`", &cancel),
        example(OPERATION_LIMIT, "`ostler operation limit`", &limit),
        example(QUEUE_LIST, "`ostler queue list`", &samples::queue_list()),
        example(QUEUE, "`ostler queue show`", &samples::queue_detail()),
        example(QUEUE_STATUS, "`ostler queue status`", &samples::queue_status()),
        example(
            CONSUMER_LIST,
            "`ostler queue consumer list`",
            &samples::consumer_list(),
        ),
        example(
            EVENT_LIST,
            "`ostler queue peek` and `retry`",
            &samples::event_list(),
        ),
        example(
            CONSUME_REPORT,
            "`ostler queue consume`, `move`, `split`, `load` and `redirect`",
            &samples::consume_report(),
        ),
        example(
            DEAD_LETTER_LIST,
            "`ostler queue dead-letter list`",
            &samples::dead_letter_list(),
        ),
        example(
            QUEUE_CHANGES,
            "`ostler queue create`, `config`, `tick`, `insert` and others that change something at once",
            &samples::queue_changes(),
        ),
        report(
            QUEUE_SCHEMA_REPORT,
            "`ostler queue install`, `upgrade`, `uninstall` and `drop`",
            &samples::queue_schema_report(),
        ),
        example(QUEUE_SCRIPT, "`ostler queue install --schema-only`", &script),
        example(
            POLICY_LIST,
            "`ostler retention policy list`, `show` and `export`",
            &samples::policy_list(),
        ),
        example(
            POLICY_TAGS,
            "`ostler retention policy tags`",
            &samples::policy_tags(),
        ),
        example(
            POLICY_CHECK,
            "`ostler retention policy check`",
            &samples::policy_check(),
        ),
        example(
            POLICY_CHANGES,
            "`ostler retention add` and `ttl`, `ostler retention policy add`, `edit`, `remove` and `import`",
            &samples::policy_changes(),
        ),
        example(
            RETENTION_HISTORY,
            "`ostler retention history`",
            &samples::retention_history(),
        ),
        report(
            RETENTION_REPORT,
            "`ostler retention run`",
            &samples::retention_report(),
        ),
        example(TOKEN_LIST, "`ostler token list`", &tokens),
        example(TOKEN, "`ostler token add` and `remove`", &token),
        example(USER_LIST, "`ostler user list`", &users),
        example(USER, "`ostler user add`, `password` and `remove`", &user),
        example(TOKEN_LINK, "`ostler token link`", &link),
        example(SCHEDULE_LIST, "`ostler schedule list`", &samples::schedule_list()),
        example(SCHEDULE, "`ostler schedule show`", &samples::schedule_detail()),
        example(
            SCHEDULE_CHANGE,
            "`ostler schedule add`, `edit`, `pause`, `resume` and `remove`",
            &samples::schedule_change("added"),
        ),
        example(
            SCHEDULE_PREVIEW,
            "`ostler schedule preview`",
            &samples::schedule_preview(),
        ),
        example(SCHEDULE_RUN, "`ostler schedule run`", &samples::firing()),
        example(SCHEDULE_RUNS, "`ostler schedule run-due`", &due),
        example(SCHEDULE_UNITS, "`ostler schedule units`", &units),
        example(WEBHOOK_LIST, "`ostler webhook list`", &samples::webhook_list()),
        example(WEBHOOK, "`ostler webhook show`", &samples::webhook_detail()),
        example(
            WEBHOOK_CHANGE,
            "`ostler webhook add`, with `secret` where one was made, and `remove`",
            &samples::webhook_change("added"),
        ),
        example(WEBHOOK_DELIVERY, "`ostler webhook test`", &samples::tested()),
        example(AUDIT_LIST, "`ostler audit list`", &samples::audit_list()),
        example(STATE_EXPORT, "`ostler state export`", &exported),
        example(
            STATE_IMPORT,
            "`ostler state import`; without `--yes` the plan",
            &imported,
        ),
        example(METRICS, "`ostler metrics`", &samples::metrics()),
        report(
            TABLES_REPORT,
            "`ostler rollup refresh`, `materialize refresh`, `query run` and `retention erase`",
            &samples::tables_report(),
        ),
        report(
            CERTIFICATE,
            "`ostler retention certificate`",
            &samples::tables_report(),
        ),
        example(
            DEFINITION_LIST,
            "`ostler rollup list` and `show`; the same of `materialize` and `query`",
            &samples::definition_list(),
        ),
        example(
            DEFINITION_CHANGE,
            "`ostler rollup add` and `remove`; the same of `materialize` and `query`",
            &samples::definition_change(),
        ),
        report(UNDO_REPORT, "`ostler retention undo`", &samples::undo_report()),
        example(CONFIG_CHECK, "`ostler config check`", &samples::config_check()),
        example(
            CONNECTION_LIST,
            "`ostler config check --connect`",
            &samples::connections(),
        ),
        example(CONFIG, "`ostler config show`", &samples::config_show()),
        example(CONFIG_TEMPLATE, "`ostler config init`", &template),
        example(CONFIG_ENV, "`ostler config env`", &variables),
        example(EVENT, "`--progress json`, on standard error", &event()),
        example(
            ERROR,
            "Any command that fails, on standard error",
            &samples::error(),
        ),
    ]
}

fn event() -> Value {
    let mut value = serde_json::json!({ "operation": samples::operation_id(1) });
    if let (Value::Object(fields), Some(Ok(Value::Object(event)))) =
        (&mut value, samples::events().get(3).map(serde_json::to_value))
    {
        fields.extend(event);
        fields.insert("rate".into(), (100 << 20).into());
        fields.insert("eta_seconds".into(), 31.into());
    }
    value
}

fn report<T: Serialize>(schema: Schema, made_by: &'static str, report: &T) -> (Schema, &'static str, Value) {
    let mut value = serde_json::json!({ "operation": samples::operation_id(1) });
    if let (Value::Object(fields), Ok(Value::Object(own))) = (&mut value, serde_json::to_value(report)) {
        fields.extend(own);
    }
    value["traffic"] = serde_json::to_value(samples::traffic()).unwrap_or_default();
    example(schema, made_by, &value)
}

fn example<T: Serialize>(
    schema: Schema,
    made_by: &'static str,
    document: &T,
) -> (Schema, &'static str, Value) {
    (schema, made_by, schema.wrap(document).unwrap_or_default())
}
