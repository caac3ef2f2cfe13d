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

impl<T, D, DF, P, PF> Pass<D, P, T>
where
    T: Copy + Serialize + DeserializeOwned + Send + Sync + 'static,
    D: Fn(T, Step) -> DF + Send + Sync,
    DF: Future<Output = Result<Result<(), RetentionProblem>, Failure>> + Send,
    P: Fn() -> PF + Send + Sync,
    PF: Future<Output = Result<Result<T, RetentionProblem>, Failure>> + Send,
{
    /// Deletes and looks until nothing is left, something is wrong, or rows came again and again. `found` is what was there
    /// before.
    ///
    /// # Errors
    /// What ends the operation; what is wrong with the item is in its proof.
    pub async fn again_and_again(
        self,
        op: &Operation,
        item: &RetentionItem,
        mut found: T,
        proof: &mut RetentionProof,
    ) -> Result<(), Failure> {
        for number in 1..=PASSES {
            let key = format!("{}, pass {number}", key(item));
            found = match self.once(op, &key, found, proof).await? {
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
    pub async fn once(
        &self,
        op: &Operation,
        key: &str,
        found: T,
        proof: &mut RetentionProof,
    ) -> Result<Option<T>, Failure> {
        let deleted: Result<(), RetentionProblem> = op
            .step("delete")
            .key(key)
            .unit(Unit::Rows)
            .leaves(self.leaves.clone())
            .run(|step| (self.delete)(found, step))
            .await?;
        proof.problem = deleted.err();
        let proven: Result<T, RetentionProblem> = op
            .step("prove")
            .key(key)
            .retries(3)
            .run(|_| (self.prove)())
            .await?;
        match proven {
            Ok(found) => {
                (self.tell)(proof, found);
                Ok(Some(found))
            }
            Err(problem) => {
                proof.problem = Some(problem);
                Ok(None)
            }
        }
    }
}
