//! A connection that threads share, and transactions that write.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::row::writing;
use crate::error::Error;

pub(super) fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn immediate<T>(
    db: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(writing)?;
    let value = work(&transaction)?;
    transaction.commit().map_err(writing)?;
    Ok(value)
}

pub(super) fn execute(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<usize, Error> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(writing)
}
