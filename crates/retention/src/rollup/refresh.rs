//! A refresh: buckets are made, and read back by a later statement. What every database does alike.

use async_trait::async_trait;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::Pace;
use ostler_api::tables::{TableItem, TableProof};
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{Failure, Timestamp, Unit};

use super::proof::evidence;
use super::{Made, Window};
use crate::item::planned;
use crate::tables::begun;

/// What a later statement finds of a window: the rows that its buckets are made of, how many buckets they are, and up to when
/// the level is summed up.
pub(crate) type Found = (u64, u64, Option<Timestamp>);

/// Who makes buckets. What is wrong with them alone, and does not end the operation, is inside of what it gives.
#[async_trait]
pub(crate) trait Maker: Sync {
    /// Makes a level from the one before, part by part, on from where this operation is.
    async fn roll_up(
        &self,
        op: &Operation,
        window: &Window,
        pace: Pace,
        step: &Step,
    ) -> Result<Result<Made, RetentionProblem>, Failure>;

    /// Looks at a window again.
    async fn read_back(&self, window: &Window) -> Result<Result<Found, RetentionProblem>, Failure>;
}

/// Makes the buckets of an item, and reads them back, as two steps.
pub(crate) async fn refresh(
    maker: &dyn Maker,
    op: &Operation,
    item: &TableItem,
    pace: Pace,
) -> Result<TableProof, Failure> {
    let window: Window = planned(&item.detail)?;
    let mut proof = begun(item);
    let window = &window;
    let roll = |step: Step| async move { maker.roll_up(op, window, pace, &step).await };
    let made = op
        .step("roll up")
        .key(&item.object)
        .unit(Unit::Rows)
        .leaves(format!("buckets of {} that were made stay", item.object))
        .run(roll)
        .await?;
    let made = match made {
        Ok(made) => made,
        Err(problem) => {
            proof.problem = Some(problem);
            return Ok(proof);
        }
    };
    let read = op
        .step("read back")
        .key(&item.object)
        .retries(3)
        .run(|_| maker.read_back(window))
        .await?;
    match read {
        Err(problem) => proof.problem = Some(problem),
        Ok(found) => {
            proof.rows = found.1;
            proof.evidence = evidence(window, made, found);
        }
    }
    Ok(proof)
}
