//! Policies, what they would remove, what they removed.

use ostler_api::document::*;
use ostler_api::request::RetentionWork;
use ostler_api::retention::{Policy, Strategy, TableName, UndoItem, UndoProof, UndoReport, UndoWork};
use ostler_vocabulary::Period;

use super::{at, now, operation_id};

fn table(name: &str) -> TableName {
    TableName {
        schema: "public".into(),
        name: name.into(),
    }
}

fn policy(name: &str, column: &str, strategy: Strategy, keep: Period) -> Policy {
    let mut policy = Policy::new(name, table(name), column, strategy, keep);
    policy.tags = ["nightly".to_owned()].into();
    policy.version = 1;
    policy
}

fn sensor_readings() -> Policy {
    policy("sensor_readings", "time", Strategy::Drop, Period::months(13))
}

/// `retention policy list`
#[must_use]
pub fn policy_list() -> PolicyList {
    PolicyList {
        database: "main".into(),
        policies: vec![
            policy("events", "created", Strategy::Delete, Period::days(28)),
            sensor_readings(),
        ],
    }
}

/// `retention policy tags`
#[must_use]
pub fn policy_tags() -> PolicyTags {
    PolicyTags {
        database: "main".into(),
        tags: [("nightly".to_owned(), 2)].into(),
    }
}

/// `retention policy check`
#[must_use]
pub fn policy_check() -> PolicyCheckList {
    PolicyCheckList {
        database: "main".into(),
        policies: 2,
        findings: vec![PolicyFinding {
            policy: "events".into(),
            fatal: false,
            text: "public.events is partitioned by created: `drop` is faster".into(),
        }],
    }
}

/// `retention add`
#[must_use]
pub fn policy_changes() -> PolicyChanges {
    PolicyChanges {
        database: "main".into(),
        changes: vec![PolicyChanged {
            policy: "sensor_readings".into(),
            action: "added".into(),
            before: None,
            after: Some(sensor_readings()),
        }],
    }
}

/// `retention history`
#[must_use]
pub fn retention_history() -> RetentionHistory {
    RetentionHistory {
        database: "main".into(),
        entries: vec![RetentionEntry {
            entry: 2,
            at: at(3_600),
            who: "ostler".into(),
            action: "drop partition".into(),
            policy: "sensor_readings".into(),
            item: Some("public.sensor_readings_2025_09".into()),
            rows: Some(43_200),
            error: None,
            operation: Some(operation_id(1).to_string()),
            before: None,
            after: None,
        }],
    }
}

/// What `retention plan` shows.
#[must_use]
pub fn retention_work() -> RetentionWork {
    let verdict = |policy: &Policy, items, days: i64| RetentionVerdict {
        policy: policy.name.clone(),
        table: policy.table.clone(),
        strategy: policy.strategy,
        threshold: Some(at(86_400 * days)),
        items,
        problem: None,
        notes: vec![],
        partitions: vec![],
    };
    let policies = policy_list().policies;
    RetentionWork {
        database: "main".into(),
        cutoff: now(),
        policies: vec![verdict(&policies[0], 0, 28), verdict(&policies[1], 1, 396)],
        items: vec![RetentionItem {
            policy: "sensor_readings".into(),
            table: table("sensor_readings_2025_09"),
            action: "drop partition".into(),
            reason: "ends 2025-10-01T00:00:00Z, not after 2025-10-21T10:00:00Z".into(),
            rows: Some(43_200),
            estimated: false,
            bytes: Some(3_538_944),
            oldest: Some("2025-09-01 00:00:00+00".into()),
            newest: Some("2025-09-30 23:59:00+00".into()),
            max_rows: None,
            statements: vec![
                "ALTER TABLE \"public\".\"sensor_readings\" DETACH PARTITION \"public\".\"sensor_readings_2025_09\" CONCURRENTLY".into(),
                "DROP TABLE \"public\".\"sensor_readings_2025_09\"".into(),
            ],
            detail: serde_json::json!({ "what": "partition", "id": 16_432 }),
        }],
    }
}

/// `retention run`
#[must_use]
pub fn retention_report() -> RetentionReport {
    RetentionReport {
        database: "main".into(),
        rows_removed: 43_200,
        items: vec![RetentionProof {
            policy: "sensor_readings".into(),
            table: table("sensor_readings_2025_09"),
            action: "drop partition".into(),
            planned: Some(43_200),
            before: 43_200,
            removed: 43_200,
            after: 0,
            problem: None,
            note: None,
            archive: None,
        }],
        refused: vec![],
    }
}

/// `retention undo`
#[must_use]
pub fn undo_report() -> UndoReport {
    UndoReport {
        database: "main".into(),
        table: table("sensor_readings"),
        from: "cold".into(),
        rows_added: 1_440,
        items: vec![UndoProof {
            archive: format!("{}-8f2c01ab", operation_id(1)),
            file: format!(
                "ostler-archive/app/public/sensor_readings/data/{}-8f2c01ab-1/day=2025-09-01/000001.parquet",
                operation_id(1)
            ),
            wanted: 1_440,
            there: 0,
            added: 1_440,
            problem: None,
            note: None,
        }],
    }
}

/// What `retention undo --dry-run` shows.
#[must_use]
pub fn undo_work() -> UndoWork {
    let proof = undo_report().items.remove(0);
    UndoWork {
        database: "main".into(),
        table: table("sensor_readings"),
        from: "cold".into(),
        since: None,
        until: None,
        items: vec![UndoItem {
            manifest: format!(
                "ostler-archive/app/public/sensor_readings/manifests/{}.json",
                proof.archive
            ),
            archive: proof.archive,
            made: at(0),
            file: proof.file,
            blake3: "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85".into(),
            rows: 1_440,
            bytes: 18_432,
            min: "2025-09-01 00:00:00.000000+00".into(),
            max: "2025-09-01 23:59:00.000000+00".into(),
            partition: Some(table("sensor_readings_2025_09")),
        }],
    }
}
