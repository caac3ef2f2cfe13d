//! What every database does alike with an item of a plan. Pure.

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_vocabulary::{ErrorKind, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::strategy::problem;

/// The floor that refuses so many rows.
pub(crate) fn too_many(item: &RetentionItem, rows: u64) -> Option<RetentionProblem> {
    let most = item.max_rows.filter(|most| rows > *most)?;
    Some(problem(
        ErrorKind::Refused,
        format!("{rows} rows would go by now, more than max_rows {most}"),
    ))
}

/// A proof of an item of which nothing was done yet.
pub(crate) fn begun(item: &RetentionItem) -> RetentionProof {
    RetentionProof {
        policy: item.policy.clone(),
        table: item.table.clone(),
        action: item.action.clone(),
        planned: item.rows,
        before: 0,
        removed: 0,
        after: 0,
        problem: None,
        note: None,
        archive: None,
    }
}

/// Whether there is something to be done, by what a look found; if not, the proof says why.
pub(crate) fn goes_on(looked: Result<bool, RetentionProblem>, proof: &mut RetentionProof) -> bool {
    match looked {
        Ok(true) => return true,
        Ok(false) => proof.note = Some("it was gone already".to_owned()),
        Err(problem) => proof.problem = Some(problem),
    }
    false
}

/// By what the steps of an item are told from those of others.
pub(crate) fn key(item: &RetentionItem) -> String {
    format!("{} ({})", item.table, item.policy)
}

/// What the plan says of an item, in the words of its own kind of work.
pub(crate) fn planned<T: DeserializeOwned>(detail: &Value) -> Result<T, Failure> {
    T::deserialize(detail).map_err(|error| {
        Failure::new(
            ErrorKind::Unsupported,
            format!("the plan cannot be read: {error}"),
        )
    })
}

/// The same, the other way.
pub(crate) fn detail_of(planned: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(planned)
        .map_err(|error| Failure::new(ErrorKind::Internal, format!("cannot write the plan: {error}")))
}

/// A statement without its line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
