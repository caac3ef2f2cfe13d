//! A whole partition that goes: hidden from who writes, counted, kept where its policy says so, dropped; shown again when it
//! stays. What every database does alike.

#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use futures::future::BoxFuture;
use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_operations::{Operation, Step, UndoEnd};
use ostler_vocabulary::Failure;
use tokio_util::sync::CancellationToken;

use crate::archive::Shelves;
use crate::archive::keep::{self, Kept, Source};
use crate::item::{key, too_many};
use crate::strategy::Task;

/// The names of a database's steps, and the words of its notes.
pub(crate) struct Words {
    pub hide: &'static str,
    pub show: &'static str,
    pub hidden: &'static str,
    /// How often a step is tried again.
    pub retries: u32,
    /// Whether a statement can go on at the server after its connection was lost. Then nobody knows whether the rows are
    /// there, once a drop has begun.
    pub outlives_connection: bool,
}

/// Undoes the first step of a removal.
pub(crate) type Undo = Box<dyn Fn() -> BoxFuture<'static, Result<UndoEnd, Failure>> + Send + Sync>;

/// What a removal has before it drops.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub kept: Option<Kept>,
    pub note: Option<String>,
}

/// A partition of a plan, as its database treats it.
#[async_trait]
pub(crate) trait Partition: Sync {
    const WORDS: Words;

    /// What has the rows.
    fn source(&self) -> &dyn Source;

    /// What is wrong with this item alone.
    fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure>;

    /// What is wrong with its table alone: also what may pass, as long as the database answers.
    async fn of_table<T: Send>(
        &self,
        result: Result<T, Failure>,
    ) -> Result<Result<T, RetentionProblem>, Failure>;

    /// Hides it from who writes. One that is gone is no error.
    async fn hide(&self, step: &Step) -> Result<(), Failure>;

    /// Shows it as it was before; `false` when it is gone.
    async fn show(&self, stop: &CancellationToken) -> Result<bool, Failure>;

    /// What is said of one that was shown.
    fn shown(&self) -> &'static str;

    /// Shows it as it was before, in a session of its own.
    fn undo(&self) -> Undo;

    /// Counts its rows; `None` when it is gone.
    async fn count(&self) -> Result<Option<u64>, Failure>;

    /// Compares and keeps so many rows, as steps.
    async fn prepare(&self, op: &Operation, rows: u64) -> Result<Result<Ready, RetentionProblem>, Failure>;

    /// Drops it if it is still as it was counted and kept. One that is gone is no error.
    async fn drop(&self, ready: &Ready, rows: u64, step: &Step) -> Result<(), Failure>;

    /// Ends the work about one that was dropped, as steps.
    async fn end(&self, op: &Operation, proof: &mut RetentionProof) -> Result<(), Failure>;
}

/// Says that a partition is gone, for an undo that has nothing to show.
pub(crate) fn complete(item: &RetentionItem) -> UndoEnd {
    UndoEnd::Complete(format!("{} {}: it is gone", item.action, item.table))
}

/// Removes a partition that is there, as steps of the operation.
///
/// # Errors
/// What ends the operation; what is wrong with the item is in its proof.
pub(crate) async fn remove<P: Partition>(
    it: &P,
    op: &Operation,
    (item, task): (&RetentionItem, &Task),
    shelves: &dyn Shelves,
    mut proof: RetentionProof,
) -> Result<RetentionProof, Failure> {
    let (key, words) = (key(item), P::WORDS);
    let hide = |step: Step| async move { P::of_item(it.hide(&step).await) };
    let undo = it.undo();
    let hidden: Result<(), RetentionProblem> = op
        .step(words.hide)
        .key(&key)
        .retries(words.retries)
        .run_with_undo(hide, move |_| undo())
        .await?;
    let mut kept = None;
    let dropped = match hidden {
        Ok(()) => drop_hidden(it, op, (item, task), &mut proof, &mut kept).await?,
        Err(problem) => Err(problem),
    };
    let Err(problem) = dropped else {
        return Ok(proof);
    };
    let stays = format!("{} {}: it stays: {}", item.action, item.table, problem.reason);
    proof.problem = Some(problem);
    proof.after = proof.before;
    if proof.archive.take().is_some() {
        keep::withdraw(it.source(), op, item, task, shelves, kept).await?;
    }
    let show = |step: Step| async move { P::of_item(it.show(&step.cancelled).await.map(drop)) };
    let shown: Result<(), RetentionProblem> = op
        .step(words.show)
        .key(&key)
        .retries(words.retries)
        .run(show)
        .await?;
    proof.note = Some(match shown {
        Ok(()) => {
            op.settle(&key, stays);
            it.shown().to_owned()
        }
        Err(problem) => format!("{}: {}", words.hidden, problem.reason),
    });
    Ok(proof)
}

async fn drop_hidden<P: Partition>(
    it: &P,
    op: &Operation,
    (item, task): (&RetentionItem, &Task),
    proof: &mut RetentionProof,
    kept: &mut Option<Kept>,
) -> Result<Result<(), RetentionProblem>, Failure> {
    let (key, words) = (key(item), P::WORDS);
    let count = |_| async { it.of_table(it.count().await).await };
    let counted: Result<Option<u64>, RetentionProblem> =
        op.step("count").key(&key).retries(3).run(count).await?;
    let rows = match counted {
        Ok(Some(rows)) => rows,
        Ok(None) => {
            proof.note = Some("it is gone: it was removed meanwhile".to_owned());
            op.settle(&key, format!("{} {}: it is gone", item.action, item.table));
            return Ok(Ok(()));
        }
        Err(problem) => return Ok(Err(problem)),
    };
    proof.before = rows;
    if let Some(refused) = too_many(item, rows) {
        return Ok(Err(refused));
    }
    let ready = match it.prepare(op, rows).await? {
        Ok(ready) => ready,
        Err(problem) => return Ok(Err(problem)),
    };
    proof.note.clone_from(&ready.note);
    proof.archive = ready.kept.as_ref().and_then(|kept| keep::proof(task, kept));
    kept.clone_from(&ready.kept);
    if words.outlives_connection {
        keep::settle(op, item, task);
    }
    let ready = &ready;
    let drop = |step: Step| async move { P::of_item(it.drop(ready, rows, &step).await) };
    let dropped: Result<(), RetentionProblem> =
        op.step("drop").key(&key).retries(words.retries).run(drop).await?;
    if dropped.is_ok() {
        op.settle(&key, format!("{} {}: {rows} rows", item.action, item.table));
        proof.removed = rows;
        it.end(op, proof).await?;
    }
    Ok(dropped)
}
