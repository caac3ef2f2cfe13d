//! An event as `COPY (…) TO STDOUT (FORMAT binary)` gives it.

use ostler_postgres::Type;
use ostler_vocabulary::Timestamp;
use tokio_postgres::binary_copy::BinaryCopyOutRow;

use super::Event;

/// The types of its columns.
pub(super) const COLUMNS: [Type; 10] = [
    Type::INT8,
    Type::TIMESTAMPTZ,
    Type::INT8,
    Type::INT4,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
];

/// Reads one.
pub(super) fn event(row: &BinaryCopyOutRow) -> Result<Event, tokio_postgres::Error> {
    let time: std::time::SystemTime = row.try_get(1)?;
    Ok(Event {
        ev_id: row.try_get(0)?,
        ev_time: Timestamp::try_from(time).unwrap_or_default(),
        ev_txid: row.try_get::<Option<i64>>(2)?.unwrap_or(0),
        ev_retry: row.try_get(3)?,
        ev_type: row.try_get(4)?,
        ev_data: row.try_get(5)?,
        ev_extra1: row.try_get(6)?,
        ev_extra2: row.try_get(7)?,
        ev_extra3: row.try_get(8)?,
        ev_extra4: row.try_get(9)?,
    })
}
