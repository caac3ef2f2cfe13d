//! Rows that go in passes: deleted, and looked for again, as others may add some meanwhile. What every database does alike.

use std::future::Future;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{Failure, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::item::key;

/// How often rows that came meanwhile are looked for.
const PASSES: u32 = 3;

/// What is done in a pass, and how what is found is told.
pub(crate) struct Pass<D, P, T> {
    /// Deletes once, by what was found before.
    pub delete: D,
    /// Looks what is left.
    pub prove: P,
    /// Writes what was found into the proof: rows removed, and rows left.
    pub tell: fn(&mut RetentionProof, T),
    /// What stays of it when the operation is stopped.
    pub leaves: String,
}

/// Deletes and looks until nothing is left, something is wrong, or rows came again and again. `found` is what was there before.
///
/// # Errors
/// What ends the operation; what is wrong with the item is in its proof.
pub(crate) async fn in_passes<T, D, DF, P, PF>(
    op: &Operation,
    item: &RetentionItem,
    mut found: T,
    pass: Pass<D, P, T>,
    proof: &mut RetentionProof,
) -> Result<(), Failure>
where
    T: Copy + Serialize + DeserializeOwned + Send + Sync + 'static,
    D: Fn(T, Step) -> DF + Send + Sync,
    DF: Future<Output = Result<Result<(), RetentionProblem>, Failure>> + Send,
    P: Fn() -> PF + Send + Sync,
    PF: Future<Output = Result<Result<T, RetentionProblem>, Failure>> + Send,
{
    for number in 1..=PASSES {
        let key = format!("{}, pass {number}", key(item));
        found = match one_pass(op, &key, found, &pass, proof).await? {
            Some(found) if proof.problem.is_none() && proof.after > 0 => found,
            _ => return Ok(()),
        };
    }
    Ok(())
}

/// Deletes once, and looks; tells what was found.
///
/// # Errors
/// What ends the operation.
pub(crate) async fn one_pass<T, D, DF, P, PF>(
    op: &Operation,
    key: &str,
    found: T,
    pass: &Pass<D, P, T>,
    proof: &mut RetentionProof,
) -> Result<Option<T>, Failure>
where
    T: Copy + Serialize + DeserializeOwned + Send + Sync + 'static,
    D: Fn(T, Step) -> DF + Send + Sync,
    DF: Future<Output = Result<Result<(), RetentionProblem>, Failure>> + Send,
    P: Fn() -> PF + Send + Sync,
    PF: Future<Output = Result<Result<T, RetentionProblem>, Failure>> + Send,
{
    let deleted: Result<(), RetentionProblem> = op
        .step("delete")
        .key(key)
        .unit(Unit::Rows)
        .leaves(pass.leaves.clone())
        .run(|step| (pass.delete)(found, step))
        .await?;
    proof.problem = deleted.err();
    let proven: Result<T, RetentionProblem> = op
        .step("prove")
        .key(key)
        .retries(3)
        .run(|_| (pass.prove)())
        .await?;
    match proven {
        Ok(found) => {
            (pass.tell)(proof, found);
            Ok(Some(found))
        }
        Err(problem) => {
            proof.problem = Some(problem);
            Ok(None)
        }
    }
}
