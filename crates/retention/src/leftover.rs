//! Partitions that an operation has left detached or blocked: found by what its plan and its steps say.

use ostler_api::document::{PolicyFinding, RetentionItem};
use ostler_api::request::{Plan, Work};
use ostler_api::retention::{PolicyPlace, TableName};
use ostler_operations::{OperationRecord, State, StepRecord};
use ostler_vocabulary::{Failure, OperationId};

use crate::Database;
use crate::item::key;
use crate::run::KIND;

/// An item that an operation may have left so.
#[derive(Debug, Clone)]
pub struct Suspect {
    /// The operation.
    pub operation: OperationId,
    /// Whether it can be resumed.
    pub is_resumable: bool,
    /// The item, as its plan has it.
    pub item: RetentionItem,
}

/// Whether an operation may have left partitions so; its steps need not be known.
#[must_use]
pub fn may_leave(record: &OperationRecord) -> bool {
    record.kind == KIND && matches!(record.state, State::Failed | State::Interrupted | State::Partial)
}

/// The items of an operation in this database that it has begun to remove. Its record has its steps.
#[must_use]
pub fn suspects(record: &OperationRecord, place: &PolicyPlace) -> Vec<Suspect> {
    let is_resumable = record.state.is_resumable();
    // One that ended has put back, or tried to, what it could not remove.
    let is_suspect = |step: &&StepRecord| match is_resumable {
        true => step.undoable && step.state != "undone",
        false => matches!(step.name.as_str(), "attach" | "allow writes"),
    };
    let steps = record.steps.iter().filter(is_suspect);
    let begun: Vec<&str> = steps.filter_map(|step| step.key.as_deref()).collect();
    let plan: Option<Plan> = serde_json::from_value(record.plan.clone()).ok();
    let Some(plan) = plan.filter(|plan| plan.request.tables() == Some(place)) else {
        return Vec::new();
    };
    let Work::Retention(work) = plan.work else {
        return Vec::new();
    };
    // Items that go together share the steps of the first.
    let together = begun.iter().any(|key| key.contains(" partitions from "));
    work.items
        .into_iter()
        .filter(|item| together || begun.contains(&key(item).as_str()))
        .map(|item| Suspect {
            operation: record.id,
            is_resumable,
            item,
        })
        .collect()
}

/// Asks the database which of them are left, and says of each table what to do.
///
/// # Errors
/// Those of the database.
pub async fn left(
    database: &dyn Database,
    suspects: &[Suspect],
) -> Result<Vec<(TableName, PolicyFinding)>, Failure> {
    let mut findings = Vec::new();
    for suspect in suspects {
        let (item, id) = (&suspect.item, suspect.operation.short());
        if let Some((what, remedy)) = database.left_over(item).await? {
            let why = match suspect.is_resumable {
                true => format!(
                    "operation {id} did not end; `ostler operation resume {id}` resumes it, and `{remedy}` puts it back"
                ),
                false => format!("operation {id} could not put it back; `{remedy}` does"),
            };
            let finding = PolicyFinding {
                policy: item.policy.clone(),
                fatal: true,
                text: format!("{} {what}: {why}", item.table),
            };
            findings.push((item.table.clone(), finding));
        }
    }
    Ok(findings)
}
