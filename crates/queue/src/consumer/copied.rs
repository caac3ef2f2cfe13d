//! An event as `COPY (…) TO STDOUT (FORMAT binary)` gives it.

use ostler_postgres::Type;
use ostler_vocabulary::Timestamp;
use tokio_postgres::binary_copy::BinaryCopyOutRow;

use super::{Event, Unreadable};

/// The types of its columns. Texts are read as bytes: a database in `SQL_ASCII` checks nothing of them.
pub(super) const COLUMNS: [Type; 10] = [
    Type::INT8,
    Type::TIMESTAMPTZ,
    Type::INT8,
    Type::INT4,
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
    Type::BYTEA,
];

/// Reads one.
pub(super) fn event(row: &BinaryCopyOutRow) -> Result<Result<Event, Unreadable>, tokio_postgres::Error> {
    let ev_id: i64 = row.try_get(0)?;
    let time: std::time::SystemTime = row.try_get(1)?;
    let mut unreadable = None;
    let mut text = |column: usize, field: &'static str| -> Result<Option<String>, tokio_postgres::Error> {
        let bytes: Option<&[u8]> = row.try_get(column)?;
        let text = bytes.map(std::str::from_utf8).transpose();
        Ok(text.map_or_else(
            |_| {
                unreadable = Some(Unreadable { ev_id, field });
                None
            },
            |text| text.map(str::to_owned),
        ))
    };
    let event = Event {
        ev_id,
        ev_time: Timestamp::try_from(time).unwrap_or_default(),
        ev_txid: row.try_get::<Option<i64>>(2)?.unwrap_or(0),
        ev_retry: row.try_get(3)?,
        ev_type: text(4, "ev_type")?,
        ev_data: text(5, "ev_data")?,
        ev_extra1: text(6, "ev_extra1")?,
        ev_extra2: text(7, "ev_extra2")?,
        ev_extra3: text(8, "ev_extra3")?,
        ev_extra4: text(9, "ev_extra4")?,
    };
    Ok(unreadable.map_or(Ok(event), Err))
}
