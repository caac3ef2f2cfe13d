//! What was changed and removed, and by whom: a table that is only added to.

use std::future::Future;

use ostler_api::document::{RetentionEntry, RetentionItem, RetentionProof};
use ostler_api::tables::{TableItem, TableProof};
use ostler_cratedb::quote::identifier;
use ostler_operations::Operation;
use ostler_vocabulary::{Failure, Timestamp};
use serde_json::{Map, Value};

use super::policies::Layout;
use super::statement::fill;
use super::{CrateDb, key};

/// What stands in the audit while it is not known what came of something.
pub(super) const UNFINISHED: &str = "it is not known whether this was made";

/// A change, as the audit has it.
#[derive(Debug)]
pub(super) struct Change {
    /// By what it is told from others.
    pub entry: String,
    pub action: String,
    pub name: String,
    pub before: Value,
    pub after: Value,
}

impl CrateDb {
    /// Makes a change, which is written down before, and again when it is known what came of it.
    pub(super) async fn noted<T>(
        &self,
        change: &Change,
        making: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let args = [
            change.entry.as_str().into(),
            change.action.as_str().into(),
            change.name.as_str().into(),
            UNFINISHED.into(),
            change.before.clone(),
            change.after.clone(),
        ];
        self.own(include_str!("queries/begin_change.sql"), &args).await?;
        let made = making.await;
        let said = match &made {
            Ok(_) => Value::Null,
            Err(failure) => failure.messages().join(": ").into(),
        };
        let args = [said, change.entry.as_str().into()];
        self.own(include_str!("queries/end_change.sql"), &args).await?;
        made
    }

    /// What became of work on a table, in the audit of the cluster.
    pub(super) async fn record_work(
        &self,
        op: &Operation,
        item: &TableItem,
        name: &str,
        proof: &TableProof,
    ) -> Result<(), Failure> {
        let operation = op.id().to_string();
        let error = proof.problem.as_ref().map(|problem| problem.reason.clone());
        let args = [
            format!("{operation} {}", item.object).into(),
            item.action.as_str().into(),
            name.into(),
            item.object.as_str().into(),
            proof.rows.into(),
            error.into(),
            operation.into(),
        ];
        self.own(include_str!("queries/audit_run.sql"), &args).await?;
        Ok(())
    }

    pub(super) async fn read_history(&self, limit: i64) -> Result<Vec<RetentionEntry>, Failure> {
        if self.layout().await? != Layout::Ours {
            return Ok(Vec::new());
        }
        self.own(include_str!("queries/refresh_audit.sql"), &[]).await?;
        let answer = self
            .own(include_str!("queries/history.sql"), &[limit.into()])
            .await?;
        let mut entries = Vec::new();
        for row in &answer.rows {
            let named = answer.cols.iter().cloned().zip(row.iter().cloned());
            let mut fields: Map<String, Value> = named.collect();
            let number = fields.remove("_seq_no").unwrap_or_default();
            fields.insert("entry".to_owned(), number);
            let at = fields.get("at").and_then(Value::as_i64).unwrap_or(0);
            let at = Timestamp::from_millisecond(at).unwrap_or_default();
            fields.insert("at".to_owned(), at.to_string().into());
            entries.push(serde_json::from_value(Value::Object(fields)).map_err(|error| {
                self.client.unexpected(
                    include_str!("queries/history.sql"),
                    format!("an entry that is none: {error}"),
                )
            })?);
        }
        Ok(entries)
    }

    /// What became of an item, in the audit of the cluster.
    pub(super) async fn record(
        &self,
        op: &Operation,
        item: &RetentionItem,
        proof: &RetentionProof,
    ) -> Result<(), Failure> {
        self.own(include_str!("queries/audit_run.sql"), &entry(op, item, proof))
            .await?;
        Ok(())
    }

    /// The same for several, by one request.
    pub(super) async fn record_all(
        &self,
        op: &Operation,
        items: &[RetentionItem],
        proofs: &[RetentionProof],
    ) -> Result<(), Failure> {
        let pairs = items.iter().zip(proofs);
        let entries: Vec<Vec<Value>> = pairs
            .map(|(item, proof)| entry(op, item, proof).to_vec())
            .collect();
        let schema = identifier(&self.schema);
        let statement = fill(include_str!("queries/audit_run.sql"), &[("schema", &schema)]);
        let outcomes = self.client.bulk(&statement, &entries).await?;
        match outcomes.into_iter().find(|outcome| outcome.failed()) {
            None => Ok(()),
            Some(failed) => {
                let reason = failed
                    .error
                    .map_or_else(|| "no reason".to_owned(), |error| error.message);
                let reason = format!("an entry that was not written: {reason}");
                Err(self.client.unexpected(&statement, reason).into())
            }
        }
    }
}

/// What became of an item, as the audit has it.
fn entry(op: &Operation, item: &RetentionItem, proof: &RetentionProof) -> [Value; 7] {
    let operation = op.id().to_string();
    let error = proof.problem.as_ref().map(|problem| problem.reason.clone());
    [
        format!("{operation} {}", key(item)).into(),
        item.action.as_str().into(),
        item.policy.as_str().into(),
        item.table.to_string().into(),
        proof.removed.into(),
        error.into(),
        operation.into(),
    ]
}
