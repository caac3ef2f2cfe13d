//! The handler that runs what a receiver answers as SQL in the target.

use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::Transaction;
use ostler_vocabulary::Classified;

use super::handler::deliver;
use super::{Answer, Deliver, DeliverError, OnFailure, Per, Receiver};
use crate::consumer::{Batch, HandlerError, TransactionHandler};

/// Brings events to a receiver and runs what it answers as SQL in the target, exactly once.
///
/// The receiver itself may be asked more than once for the same events; only its answer of the last time counts. The SQL
/// runs within one PL/pgSQL block, in which the server refuses to begin or to end a transaction, however that is written.
#[derive(Debug)]
pub struct DeliverSql<R>(Deliver<R>);

impl<R: Receiver> DeliverSql<R> {
    /// To this receiver. What is to be retried comes again after `pause`, unless the receiver says otherwise.
    pub fn new(
        receiver: R,
        name: impl Into<String>,
        per: Per,
        on_failure: OnFailure,
        pause: Duration,
    ) -> Self {
        Self(Deliver::new(receiver, name, per, on_failure, pause))
    }

    /// Runs an answer. An error that is the answer's own is a failure of the receiver; then nothing of it stays.
    async fn run(
        &mut self,
        target: &Transaction<'_>,
        answer: Answer,
        ev_id: Option<i64>,
    ) -> Result<Option<Duration>, HandlerError> {
        let said = match self.0.judge(answer, ev_id)? {
            Ok(said) => said,
            Err(after) => return Ok(Some(after)),
        };
        let block = match block(said) {
            Ok(block) => block,
            Err(how) => return Ok(self.0.judge(Answer::Failed(how), ev_id)?.err()),
        };
        if self.0.on_failure == OnFailure::Stop {
            let receiver = self.0.name.clone();
            return match target.batch(&block).await {
                Ok(()) => Ok(None),
                Err(source) => Err(DeliverError::Sql {
                    receiver,
                    ev_id,
                    source,
                }
                .into()),
            };
        }
        target.batch("savepoint ostler_answer").await?;
        match target.batch(&block).await {
            Ok(()) => {
                target.batch("release savepoint ostler_answer").await?;
                Ok(None)
            }
            Err(error) if error.sqlstate().is_some() && !error.kind().is_transient() => {
                target.batch("rollback to savepoint ostler_answer").await?;
                Ok(Some(self.0.pause))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl<R: Receiver> TransactionHandler for DeliverSql<R> {
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        let info = batch.info().clone();
        if self.0.per == Per::Batch {
            if let Some((answer, _)) = self.0.send_all(batch).await?
                && let Some(after) = self.run(target, answer, None).await?
            {
                batch.retry_all(after);
            }
            return Ok(());
        }
        while let Some(events) = batch.next_each().await? {
            for event in self.0.readable(batch, events)? {
                let answer = deliver(&mut self.0.receiver, &info, &event).await?;
                if let Some(after) = self.run(target, answer, Some(event.ev_id)).await? {
                    batch.retry(&event, after);
                }
            }
        }
        Ok(())
    }
}

/// A statement that runs this SQL and cannot leave the transaction; or what is wrong with the text.
fn block(said: Vec<u8>) -> Result<String, String> {
    let sql =
        String::from_utf8(said).map_err(|_| "what it answers is not UTF-8, so it is no SQL".to_owned())?;
    if sql.contains('\0') {
        return Err("what it answers has a NUL in it, so it is no SQL".to_owned());
    }
    // Quoted twice, by marks that the text does not have.
    let (outer, inner) = (mark(&sql, "block"), mark(&sql, "answer"));
    Ok(format!(
        "do {outer}begin execute {inner}{sql}\n{inner}; end{outer}"
    ))
}

fn mark(sql: &str, word: &str) -> String {
    let mut mark = format!("$ostler_{word}$");
    let mut number = 0_u64;
    while sql.contains(&mark) {
        number += 1;
        mark = format!("$ostler_{word}_{number}$");
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn a_text_is_quoted_by_marks_that_it_does_not_have() {
        let block = block(b"select $ostler_answer$ $ostler_block$x".to_vec()).expect("SQL");
        assert_eq!(
            block,
            "do $ostler_block_1$begin execute $ostler_answer_1$select $ostler_answer$ $ostler_block$x\n$ostler_answer_1$; \
             end$ostler_block_1$"
        );
    }

    #[test]
    fn what_is_no_text_is_no_sql() {
        assert!(block(vec![b'a', 0xff]).is_err());
        assert!(block(vec![b'a', 0]).is_err());
    }
}
