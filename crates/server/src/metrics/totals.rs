//! What an operation that ended adds to the totals: a pure function.

use std::collections::BTreeMap;

use ostler_operations::{OperationRecord, State, StepRecord};
use ostler_vocabulary::Unit;

/// Something that is added to a total.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Addition {
    pub name: &'static str,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

pub(crate) const OPERATIONS: &str = "ostler_operations_total";
pub(crate) const SECONDS: &str = "ostler_operation_seconds_total";
pub(crate) const PHASE_SECONDS: &str = "ostler_phase_seconds_total";
pub(crate) const PHASE_BYTES: &str = "ostler_phase_bytes_total";
pub(crate) const PHASE_FILES: &str = "ostler_phase_files_total";

/// Its outcome; and how long it took, with seconds, bytes and files by step and node, when it came to a result: what failed
/// and is gone on with would else be counted twice.
pub(crate) fn of(record: &OperationRecord, outcome: State) -> Vec<Addition> {
    let cluster = cluster(record);
    let common = [
        ("kind", record.kind.as_str()),
        ("cluster", cluster.unwrap_or_default()),
    ];
    let mut additions = vec![addition(
        OPERATIONS,
        &common,
        &[("outcome", outcome.as_str())],
        1.0,
    )];
    if !matches!(outcome, State::Succeeded | State::Partial) {
        return additions;
    }
    additions.push(addition(SECONDS, &common, &[], record.worked_ms as f64 / 1000.0));
    for step in record.steps.iter().filter(|step| step.state == "done") {
        // Keys are nodes in operations on clusters, and anything at all in others.
        let node = cluster.and(step.key.as_deref()).map_or("", node);
        let labels = [("phase", step.name.as_str()), ("node", node)];
        let mut add = |name, value: f64| {
            if value > 0.0 {
                additions.push(addition(name, &common, &labels, value));
            }
        };
        add(PHASE_SECONDS, seconds(step));
        let counted = |unit| {
            step.progress
                .filter(|progress| progress.unit == unit)
                .map_or(0.0, |progress| progress.done as f64)
        };
        add(PHASE_BYTES, counted(Unit::Bytes));
        add(PHASE_FILES, files(step));
    }
    additions
}

fn addition(name: &'static str, common: &[(&str, &str)], own: &[(&str, &str)], value: f64) -> Addition {
    Addition {
        name,
        labels: common
            .iter()
            .chain(own)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        value,
    }
}

/// The cluster that the operation is about.
fn cluster(record: &OperationRecord) -> Option<&str> {
    ["/request/cluster", "/request/onto/cluster"]
        .iter()
        .find_map(|place| record.plan.pointer(place)?.as_str())
}

/// The node in a key such as `node/root` or `node 2`.
fn node(key: &str) -> &str {
    key.split(['/', ' ']).next().unwrap_or_default()
}

fn seconds(step: &StepRecord) -> f64 {
    step.ended
        .map_or(0.0, |ended| ended.duration_since(step.started).as_secs_f64())
}

/// Files that a step counted: as its unit, or beside its bytes.
fn files(step: &StepRecord) -> f64 {
    let counted = step.progress.map_or(0, |progress| match progress.unit {
        Unit::Files => progress.done,
        Unit::Bytes => progress.items,
        Unit::Objects | Unit::Backups | Unit::Rows => 0,
    });
    counted as f64
}

#[cfg(test)]
mod tests {
    use ostler_operations::{OperationRecord, State, StepRecord};
    use ostler_vocabulary::{OperationId, ProgressValue, Timestamp, Unit};
    use serde_json::{Value, json};

    use super::{Addition, of};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn step(name: &str, key: &str, state: &str, seconds: i64) -> StepRecord {
        StepRecord {
            position: 0,
            name: name.to_owned(),
            key: (!key.is_empty()).then(|| key.to_owned()),
            state: state.to_owned(),
            undoable: false,
            started: at(0),
            ended: Some(at(seconds)),
            attempts: 1,
            result: None,
            progress: Some(ProgressValue {
                done: 100,
                total: 100,
                unit: Unit::Bytes,
                items: 3,
            }),
            reasons: Vec::new(),
        }
    }

    fn record(plan: Value, steps: Vec<StepRecord>) -> OperationRecord {
        OperationRecord {
            id: OperationId::random(),
            kind: "create_backup".to_owned(),
            version: 1,
            subject: "subject".to_owned(),
            plan,
            state: State::Succeeded,
            committed: true,
            cancel_requested: false,
            owner: None,
            epoch: 1,
            heartbeat: at(9),
            started: at(0),
            ended: Some(at(9)),
            worked_ms: 9000,
            bytes: 0,
            reasons: Vec::new(),
            hint: None,
            failure: None,
            outcome: None,
            steps,
            audit: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn shown(additions: &[Addition]) -> Vec<String> {
        let show = |one: &Addition| {
            let labels: Vec<String> = one
                .labels
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{} {} {}", one.name, labels.join(","), one.value)
        };
        additions.iter().map(show).collect()
    }

    #[test]
    fn a_backup_of_a_cluster_counts_by_step_and_node() {
        let plan = json!({"request": {"kind": "create_backup", "cluster": "shop"}});
        let steps = vec![
            step("upload", "a/data", "done", 4),
            step("upload", "b/data", "failed", 5),
        ];
        assert_eq!(
            shown(&of(&record(plan, steps), State::Partial)),
            [
                "ostler_operations_total cluster=shop,kind=create_backup,outcome=partial 1",
                "ostler_operation_seconds_total cluster=shop,kind=create_backup 9",
                "ostler_phase_seconds_total cluster=shop,kind=create_backup,node=a,phase=upload 4",
                "ostler_phase_bytes_total cluster=shop,kind=create_backup,node=a,phase=upload 100",
                "ostler_phase_files_total cluster=shop,kind=create_backup,node=a,phase=upload 3",
            ]
        );
    }

    #[test]
    fn keys_that_are_no_nodes_make_no_labels_and_failures_count_as_outcomes_only() {
        let steps = || vec![step("archive", "partition_2026_01", "done", 2)];
        let done = of(&record(json!({"request": {}}), steps()), State::Succeeded);
        assert!(
            done.iter()
                .all(|one| one.labels.get("node").is_none_or(String::is_empty))
        );
        let failed = of(&record(json!({}), steps()), State::Failed);
        assert_eq!(
            shown(&failed),
            ["ostler_operations_total kind=create_backup,outcome=failed 1"]
        );
    }
}
