//! A partition that moves to other nodes: they are required of it, and the server moves its shards.

use std::time::Duration;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::TableName;
use ostler_cratedb::quote::{identifier, literal};
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use tokio::time::Instant;

use super::rows::rest;
use super::statement::{Bound, about_partition};
use super::{CrateDb, begun, goes_on, key, of_item};
use crate::facts::Values;
use crate::strategy::{Target, problem};

/// How long to wait until it is looked again.
const PAUSE: Duration = Duration::from_millis(500);
/// For how long nothing may move.
const PATIENCE: Duration = Duration::from_secs(300);

/// The statement that requires an attribute of its nodes.
pub(super) fn requiring(table: &TableName, partition: &Values, attribute: &str, value: &str) -> Bound {
    let setting = identifier(&format!("routing.allocation.require.{attribute}"));
    let places = [("setting", setting.as_str()), ("value", &literal(value))];
    about_partition(include_str!("queries/require.sql"), table, partition, &places)
}

impl CrateDb {
    pub(super) async fn reallocate(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        (attribute, value): (&str, &str),
    ) -> Result<RetentionProof, Failure> {
        let mut proof = begun(item);
        let Target::Values { table, partition, .. } = target else {
            return Ok(proof);
        };
        let key = key(item);
        let require = |_| async {
            of_item(
                async {
                    if !self.is_there(table, partition).await? {
                        return Ok(false);
                    }
                    self.confirm_lease().await?;
                    self.ask(&requiring(table, partition, attribute, value)).await?;
                    Ok(true)
                }
                .await,
            )
        };
        let required: Result<bool, RetentionProblem> = op
            .step("require")
            .key(&key)
            .leaves(format!(
                "{} has to be on nodes with {attribute}={value}",
                item.table
            ))
            .run(require)
            .await?;
        if !goes_on(required, &mut proof) {
            return Ok(proof);
        }
        let wait = |step: Step| async move {
            of_item(self.moved(table, partition, (attribute, value), &step).await)
        };
        let moved: Result<usize, RetentionProblem> = op
            .step("wait")
            .key(&key)
            .unit(Unit::Objects)
            .retries(3)
            .run(wait)
            .await?;
        match moved {
            Ok(shards) => {
                let are = if shards == 1 { "shard is" } else { "shards are" };
                proof.note = Some(format!("{shards} {are} on nodes with {attribute}={value}"));
            }
            Err(problem) => proof.problem = Some(problem),
        }
        Ok(proof)
    }

    /// Waits until all shards are where they have to be; how many there are.
    async fn moved(
        &self,
        table: &TableName,
        partition: &Values,
        (attribute, value): (&str, &str),
        step: &Step,
    ) -> Result<usize, Failure> {
        let mut best = 0;
        let mut since = Instant::now();
        loop {
            let found = self.whereabouts(table).await?;
            let (settled, all) = found.settled(&partition.ident, attribute, value);
            if settled == all && all > 0 {
                return Ok(all);
            }
            if settled > best {
                step.progress.add_done((settled - best) as u64);
                (best, since) = (settled, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                let reason = problem(
                    ErrorKind::Conflict,
                    format!(
                        "{settled} of {all} shards are on nodes with {attribute}={value}, and none moved for {} s",
                        PATIENCE.as_secs()
                    ),
                );
                return Err(Failure::new(reason.kind, reason.reason));
            }
            self.keep_lease().await?;
            rest(PAUSE, step).await?;
        }
    }
}
