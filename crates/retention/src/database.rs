//! What a database system has to do for retention: PostgreSQL and CrateDB do it. Decisions do not know which it is.

use std::fmt;

use async_trait::async_trait;
use ostler_api::document::{PolicyChanged, RetentionEntry, RetentionItem, RetentionProof};
use ostler_api::retention::{Pace, Policy, Strategy, TableName, UndoItem, UndoProof, UndoWork};
use ostler_api::tables::{Defined, DefinitionKind, TableItem, TableProof, Tables, TablesWork};
use ostler_operations::Operation;
use ostler_store::Store;
use ostler_vocabulary::{Failure, Timestamp};

use crate::archive::Shelves;
use crate::class::ClassKey;
use crate::facts::Table;
use crate::strategy::{Target, Task};

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// Rows that go.
    pub rows: u64,
    /// The oldest of their times, as the server writes it.
    pub oldest: Option<String>,
    /// The newest.
    pub newest: Option<String>,
}

/// A database that holds its policies. One value is one session; nothing is shared between two.
#[async_trait]
pub trait Database: fmt::Debug + Send + Sync {
    /// Its name in messages and documents.
    fn name(&self) -> String;

    /// How long a lock on a table is waited for, in milliseconds, while the table is looked at and counted.
    fn wait_for_locks(&self, _: u64) {}

    /// What it can do with what is too old.
    fn strategies(&self) -> &'static [Strategy];

    /// What a class of storage has to say for a strategy whose target may be one; `None` where a target is no class.
    fn class_key(&self, _: Strategy) -> Option<ClassKey> {
        None
    }

    /// All policies, by name; none where there are no tables for them yet. Changes nothing.
    async fn policies(&self) -> Result<Vec<Policy>, Failure>;

    /// Makes changes and their audit, after making or upgrading the tables: all or none where the database has transactions, else
    /// one after another up to the first that fails. Each change is made only if the policy is still as it was before; otherwise [`crate::Error::Changed`] or [`crate::Error::Exists`].
    async fn change(&self, changes: &[PolicyChanged]) -> Result<(), Failure>;

    /// The audit, newest first.
    async fn history(&self, limit: i64) -> Result<Vec<RetentionEntry>, Failure>;

    /// What the catalogue says of a table; `None` when it is not there. Changes nothing.
    async fn facts(&self, table: &TableName) -> Result<Option<Table>, Failure>;

    /// Adds to the facts what a policy's strategy asks for besides. Changes nothing.
    async fn look_around(&self, facts: Table, _: &Policy) -> Result<Table, Failure> {
        Ok(facts)
    }

    /// Counts what would go. Changes nothing.
    async fn measure(&self, table: &TableName, target: &Target) -> Result<Measured, Failure>;

    /// Counts what each of several items would take, in their order. Changes nothing.
    async fn measure_all(&self, items: &[(&TableName, &Target)]) -> Result<Vec<Measured>, Failure> {
        let mut all = Vec::with_capacity(items.len());
        for (table, target) in items {
            all.push(self.measure(table, target).await?);
        }
        Ok(all)
    }

    /// Counts all rows of a table. Changes nothing.
    async fn count(&self, table: &TableName) -> Result<u64, Failure>;

    /// What would be sent to the server for an item, for people.
    fn statements(&self, facts: &Table, table: &TableName, task: &Task) -> Vec<String>;

    /// Becomes the only one who runs policies in this database, until the session ends or [`Database::close`]. Who resumes the
    /// operation takes its place.
    async fn exclude_others(&self, op: &Operation) -> Result<(), Failure>;

    /// Ends the session, and lets others run.
    async fn close(self: Box<Self>);

    /// The name that the server knows the database by.
    async fn database(&self) -> Result<String, Failure>;

    /// Brings back rows of files of one archive, given by its manifest's name and its store, as steps of the operation.
    /// Adds what the table has not, and reads it back. What is wrong with a file alone is in its proof.
    async fn bring_back(
        &self,
        op: &Operation,
        work: &UndoWork,
        files: &[&UndoItem],
        archive: (&str, &dyn Store),
        pace: Pace,
    ) -> Result<Vec<UndoProof>, Failure>;

    /// Removes an item, as steps of the operation, and reads back what became of it. What is wrong with the item alone is
    /// in the proof; an error ends the operation, which goes on at the same place when it is resumed. Steps may be run
    /// twice. Nothing but the item is touched, and nothing when it is not any more what the plan says.
    async fn remove(
        &self,
        op: &Operation,
        item: &RetentionItem,
        pace: Pace,
        shelves: &dyn Shelves,
    ) -> Result<RetentionProof, Failure>;

    /// What is wrong with an item that a run has left detached or blocked, and the statement that puts it back; `None` when
    /// it is as before, or gone. Changes nothing.
    async fn left_over(&self, _: &RetentionItem) -> Result<Option<(String, String)>, Failure> {
        Ok(None)
    }

    /// How many of the first of these items are best removed together; at least one.
    fn together(&self, _: &[RetentionItem]) -> usize {
        1
    }

    /// Removes items that go together, as [`Database::remove`] does each; a proof for each, in their order.
    async fn remove_together(
        &self,
        op: &Operation,
        items: &[RetentionItem],
        pace: Pace,
        shelves: &dyn Shelves,
    ) -> Result<Vec<RetentionProof>, Failure> {
        let mut proofs = Vec::with_capacity(items.len());
        for item in items {
            proofs.push(self.remove(op, item, pace, shelves).await?);
        }
        Ok(proofs)
    }

    /// What is defined by name, of a kind; none where there are no tables for it yet. Changes nothing.
    async fn definitions(&self, kind: DefinitionKind) -> Result<Vec<Defined>, Failure>;

    /// Makes what a definition needs (tables, views), all or nothing, with its audit; tells what it made.
    async fn define(&self, defined: &Defined) -> Result<Vec<String>, Failure>;

    /// Takes a definition back, with the data that were made by it if that is wanted; tells what went.
    async fn undefine(&self, defined: &Defined, with_data: bool) -> Result<Vec<String>, Failure>;

    /// What work would do; moments in the request are filled in. Changes nothing.
    async fn plan_work(&self, request: &mut Tables, now: Timestamp) -> Result<TablesWork, Failure>;

    /// Does an item of it, as steps of the operation, and reads back what became of it. Steps may be run twice.
    async fn do_work(
        &self,
        op: &Operation,
        request: &Tables,
        item: &TableItem,
    ) -> Result<TableProof, Failure>;
}
