//! Rows as documents: the statements make JSON with the documents' field names.

use ostler_postgres::{Connection, Parameter};
use ostler_vocabulary::Failure;
use serde::de::DeserializeOwned;

/// A document for each row.
pub(super) async fn documents<T: DeserializeOwned>(
    session: &Connection,
    statement: &str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<T>, Failure> {
    let rows = session.query(statement, parameters).await.map_err(explained)?;
    rows.iter()
        .map(|row| {
            let text: String = row
                .try_get(0)
                .map_err(|source| session.failed(statement, source))?;
            let read = serde_json::from_str(&text);
            Ok(read.map_err(|error| {
                session.unexpected(statement, format!("JSON that is not as promised: {error}"))
            })?)
        })
        .collect()
}

/// The first column of the only row.
pub(super) async fn number(
    session: &Connection,
    statement: &str,
    parameters: &[Parameter<'_>],
) -> Result<i64, Failure> {
    let rows = session.query(statement, parameters).await.map_err(explained)?;
    let row = rows
        .first()
        .ok_or_else(|| session.unexpected(statement, "no row"))?;
    if let Ok(number) = row.try_get::<_, Option<i64>>(row.len() - 1) {
        return Ok(number.unwrap_or_default());
    }
    let number: Option<i32> = row
        .try_get(row.len() - 1)
        .map_err(|source| session.failed(statement, source))?;
    Ok(number.unwrap_or_default().into())
}

/// A missing function or table means that the schema is not there, or not ours.
pub(super) fn explained(error: ostler_postgres::Error) -> Failure {
    let missing = matches!(error.sqlstate(), Some("42883" | "42P01" | "3F000" | "42703"));
    let failure = Failure::from(error);
    if missing {
        failure.with_hint("the queue's schema is not there, or not of this version: `ostler queue install`")
    } else {
        failure
    }
}
