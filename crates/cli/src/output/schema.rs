//! Names and versions of the documents that `--output json` and `jsonl` print.

use ostler_api::SCHEMA_VERSION;
use ostler_vocabulary::Failure;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::CommandError;

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schema {
    /// The document's name.
    pub name: &'static str,
    /// For lists: the field that holds the rows, and the name of a row on its own.
    pub rows: Option<(&'static str, &'static str)>,
}

const fn document(name: &'static str) -> Schema {
    Schema { name, rows: None }
}

const fn list(name: &'static str, field: &'static str, row: &'static str) -> Schema {
    Schema {
        name,
        rows: Some((field, row)),
    }
}

pub(crate) const BACKUP_LIST: Schema = list("backup-list", "backups", "backup-summary");
pub(crate) const BACKUP: Schema = document("backup");
pub(crate) const FILE_LIST: Schema = list("file-list", "files", "file");
pub(crate) const DIFF: Schema = list("diff", "entries", "diff-entry");
pub(crate) const MARKED: Schema = document("marked");
pub(crate) const PLAN: Schema = document("plan");
pub(crate) const CREATE_REPORT: Schema = document("create-report");
pub(crate) const RESTORE_REPORT: Schema = document("restore-report");
pub(crate) const VERIFY_REPORT: Schema = document("verify-report");
pub(crate) const DRILL_REPORT: Schema = document("drill-report");
pub(crate) const PRUNE_REPORT: Schema = document("prune-report");
pub(crate) const CHECK_REPORT: Schema = document("check-report");
pub(crate) const REPAIR_REPORT: Schema = document("repair-report");
pub(crate) const MIRROR_REPORT: Schema = document("mirror-report");
pub(crate) const VAULT_LIST: Schema = list("vault-list", "vaults", "vault-summary");
pub(crate) const VAULT: Schema = document("vault");
pub(crate) const KEY_LIST: Schema = list("key-list", "keys", "key");
pub(crate) const KEY_REPORT: Schema = document("key-report");
pub(crate) const KEY_SHEET: Schema = document("key-sheet");
pub(crate) const CASSANDRA_NODE: Schema = document("cassandra-node");
pub(crate) const CLUSTER_LIST: Schema = list("cluster-list", "clusters", "cluster-summary");
pub(crate) const CLUSTER: Schema = document("cluster");
pub(crate) const CLUSTER_ADOPTION: Schema = document("cluster-adoption");
pub(crate) const CLUSTER_EXPLORATION: Schema = document("cluster-exploration");
pub(crate) const CLUSTER_STATUS: Schema = list("cluster-status", "nodes", "cluster-node");
pub(crate) const OPERATION_LIST: Schema = list("operation-list", "operations", "operation-summary");
pub(crate) const OPERATION: Schema = document("operation");
pub(crate) const OPERATION_NODES: Schema = list("operation-nodes", "nodes", "operation-node");
pub(crate) const OPERATION_CANCEL: Schema = document("operation-cancel");
pub(crate) const OPERATION_LIMIT: Schema = document("operation-limit");
pub(crate) const CONFIG_CHECK: Schema = document("config-check");
pub(crate) const CONNECTION_LIST: Schema = list("connection-list", "connections", "connection");
pub(crate) const CONFIG: Schema = list("config", "settings", "setting");
pub(crate) const CONFIG_TEMPLATE: Schema = document("config-template");
pub(crate) const CONFIG_ENV: Schema = list("config-env", "variables", "variable");
pub(crate) const CONSUME_REPORT: Schema = document("consume-report");
pub(crate) const QUEUE_LIST: Schema = list("queue-list", "queues", "queue-summary");
pub(crate) const QUEUE: Schema = document("queue");
pub(crate) const QUEUE_STATUS: Schema = document("queue-status");
pub(crate) const CONSUMER_LIST: Schema = list("consumer-list", "consumers", "consumer-summary");
pub(crate) const EVENT_LIST: Schema = list("event-list", "events", "queue-event");
pub(crate) const DEAD_LETTER_LIST: Schema = list("dead-letter-list", "dead_letters", "dead-letter");
pub(crate) const QUEUE_CHANGES: Schema = list("queue-changes", "changes", "queue-change");
pub(crate) const QUEUE_SCHEMA_REPORT: Schema = document("queue-schema-report");
pub(crate) const QUEUE_SCRIPT: Schema = document("queue-script");
pub(crate) const POLICY_LIST: Schema = list("policy-list", "policies", "policy");
pub(crate) const POLICY_TAGS: Schema = document("policy-tags");
pub(crate) const POLICY_CHECK: Schema = list("policy-check", "findings", "policy-finding");
pub(crate) const POLICY_CHANGES: Schema = list("policy-changes", "changes", "policy-change");
pub(crate) const RETENTION_HISTORY: Schema = list("retention-history", "entries", "retention-entry");
pub(crate) const RETENTION_REPORT: Schema = document("retention-report");
pub(crate) const TOKEN_LIST: Schema = list("token-list", "tokens", "token-summary");
pub(crate) const TOKEN: Schema = document("token");
pub(crate) const USER_LIST: Schema = list("user-list", "users", "user-summary");
pub(crate) const USER: Schema = document("user");
pub(crate) const TOKEN_LINK: Schema = document("token-link");
pub(crate) const SCHEDULE_LIST: Schema = list("schedule-list", "schedules", "schedule-summary");
pub(crate) const SCHEDULE: Schema = document("schedule");
pub(crate) const SCHEDULE_CHANGE: Schema = document("schedule-change");
pub(crate) const SCHEDULE_PREVIEW: Schema = list("schedule-preview", "runs", "schedule-moment");
pub(crate) const SCHEDULE_RUN: Schema = document("schedule-run");
pub(crate) const SCHEDULE_RUNS: Schema = list("schedule-runs", "firings", "schedule-run");
pub(crate) const SCHEDULE_UNITS: Schema = document("schedule-units");
pub(crate) const WEBHOOK_LIST: Schema = list("webhook-list", "webhooks", "webhook-summary");
pub(crate) const WEBHOOK: Schema = document("webhook");
pub(crate) const WEBHOOK_CHANGE: Schema = document("webhook-change");
pub(crate) const WEBHOOK_DELIVERY: Schema = document("webhook-delivery");
pub(crate) const AUDIT_LIST: Schema = list("audit-list", "changes", "audited-change");
pub(crate) const STATE_EXPORT: Schema = document("state-export");
pub(crate) const STATE_IMPORT: Schema = list("state-import", "items", "state-item");
pub(crate) const METRICS: Schema = list("metrics", "families", "metric");
pub(crate) const CERTIFICATE: Schema = document("erasure-certificate");
pub(crate) const TABLES_REPORT: Schema = document("tables-report");
pub(crate) const DEFINITION_LIST: Schema = list("definition-list", "definitions", "definition");
pub(crate) const DEFINITION_CHANGE: Schema = document("definition-change");
pub(crate) const UNDO_REPORT: Schema = document("undo-report");
pub(crate) const EVENT: Schema = document("event");
pub(crate) const ERROR: Schema = document("error");

impl Schema {
    /// `{"schema": "ostler/<name>/<version>", …document}`
    pub fn wrap<T: Serialize>(self, document: &T) -> Result<Value, Failure> {
        Ok(Value::Object(named(self.name, fields(document)?)))
    }

    /// One document, or one for each row with what the list says of all of them.
    pub fn rows<T: Serialize>(self, document: &T) -> Result<Vec<Value>, Failure> {
        let mut all = fields(document)?;
        let Some((field, row)) = self.rows else {
            return Ok(vec![Value::Object(named(self.name, all))]);
        };
        let Some(Value::Array(rows)) = all.shift_remove(field) else {
            return Ok(vec![Value::Object(named(self.name, all))]);
        };
        Ok(rows
            .into_iter()
            .map(|value| {
                let mut fields = all.clone();
                if let Value::Object(own) = value {
                    fields.extend(own);
                }
                Value::Object(named(row, fields))
            })
            .collect())
    }
}

fn named(name: &str, fields: Map<String, Value>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert(
        "schema".to_owned(),
        format!("ostler/{name}/{SCHEMA_VERSION}").into(),
    );
    map.extend(fields);
    map
}

fn fields<T: Serialize>(document: &T) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(document).map_err(|source| CommandError::Json { source })? {
        Value::Object(map) => Ok(map),
        other => Ok(Map::from_iter([("value".to_owned(), other)])),
    }
}
