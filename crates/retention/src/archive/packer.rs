//! Rows in order of their time become files: a day each, or several for a day with very many rows. Blocking.

use bytes::Bytes;
use jiff::civil;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::cell::hash;
use super::{Cell, Column, ColumnEntry, Kind, Tally, file};
use crate::column::TimeColumn;

/// A file has not many more rows: only as many as have the same time as its last one.
const ROWS: usize = 200_000;
/// Nor many more bytes before they are compressed.
const BYTES: usize = 64 << 20;
const DAY: i64 = 86_400_000_000;

/// A finished file.
#[derive(Debug)]
pub struct Packed {
    /// The day of its rows.
    pub day: Option<civil::Date>,
    /// Which one of all files it is, from 1 on.
    pub number: u32,
    /// What is stored.
    pub bytes: Bytes,
    /// Its rows.
    pub tally: Tally,
    /// The least of the rows' times, as the database writes it.
    pub min: String,
    /// The greatest.
    pub max: String,
}

/// Makes files of rows that come in ascending order of their time.
#[derive(Debug)]
pub struct Packer {
    entries: Vec<ColumnEntry>,
    /// Which column tells the time, and how.
    time: (usize, TimeColumn),
    columns: Vec<Column>,
    tally: Tally,
    size: usize,
    number: u32,
    /// Microseconds of the first and the last row of this file.
    span: Option<(i64, i64)>,
    min: String,
    scratch: Vec<u8>,
}

impl Packer {
    /// One that has no rows yet.
    #[must_use]
    pub fn new(entries: Vec<ColumnEntry>, time: (usize, TimeColumn)) -> Self {
        Self {
            columns: entries.iter().map(|entry| Column::new(entry.kind)).collect(),
            entries,
            time,
            tally: Tally::default(),
            size: 0,
            number: 0,
            span: None,
            min: String::new(),
            scratch: Vec::new(),
        }
    }

    /// The columns of a row, in their order.
    #[must_use]
    pub fn entries(&self) -> &[ColumnEntry] {
        &self.entries
    }

    /// Adds a row whose cells point into `source`. Gives the file before it, when it is the first of another.
    ///
    /// # Errors
    /// `Unsupported` for a time that cannot be told; `Internal` for rows out of order and cells of another kind.
    pub fn row(&mut self, cells: &[Option<Cell<'_>>], source: &Bytes) -> Result<Option<Packed>, Failure> {
        let (at, how) = self.time;
        let cell = cells.get(at).copied().flatten();
        let Some(moment) = cell.and_then(|cell| microseconds(cell, how)) else {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                "a row has no time that can be told",
            ));
        };
        let mut finished = None;
        if let Some((first, last)) = self.span {
            if moment < last {
                return Err(Failure::new(
                    ErrorKind::Internal,
                    "rows are not in the order of their times",
                ));
            }
            let is_full = self.tally.rows as usize >= ROWS || self.size >= BYTES;
            if day(moment) != day(first) || is_full && moment > last {
                finished = self.finish()?;
            }
        }
        let first = self.span.map_or(moment, |(first, _)| first);
        if self.span.is_none() {
            self.min = self.literal(cell)?;
        }
        self.span = Some((first, moment));
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            if !column.push(*cell, source) {
                return Err(Failure::new(
                    ErrorKind::Internal,
                    "a cell is not of its column's kind",
                ));
            }
        }
        self.tally.add(&hash(cells, &mut self.scratch));
        self.size += self.scratch.len();
        Ok(finished)
    }

    /// The file that was begun, if it has rows.
    ///
    /// # Errors
    /// `Internal` when the library cannot write it.
    pub fn finish(&mut self) -> Result<Option<Packed>, Failure> {
        let Some((first, _)) = self.span.take() else {
            return Ok(None);
        };
        let at = self.time.0;
        let last = self.columns[at].data_len().checked_sub(1);
        let last = last.and_then(|last| self.columns[at].value(last));
        let max = self.literal(last)?;
        let bytes = file::encode(&self.columns, &self.entries).map_err(|error| {
            Failure::new(
                ErrorKind::Internal,
                format!("cannot write a Parquet file: {error}"),
            )
        })?;
        self.columns = self.entries.iter().map(|entry| Column::new(entry.kind)).collect();
        self.number += 1;
        self.size = 0;
        Ok(Some(Packed {
            day: day(first),
            number: self.number,
            bytes: bytes.into(),
            tally: std::mem::take(&mut self.tally),
            min: std::mem::take(&mut self.min),
            max,
        }))
    }

    fn literal(&self, cell: Option<Cell<'_>>) -> Result<String, Failure> {
        let kind = self.entries[self.time.0].kind;
        cell.and_then(|cell| literal(cell, kind)).ok_or_else(|| {
            Failure::new(
                ErrorKind::Unsupported,
                "a row has a time before the year 1 or after the year 9999",
            )
        })
    }
}

/// The time of a cell, in microseconds since 1970 of its own clock; infinite ones are the greatest and least numbers.
pub(super) fn microseconds(cell: Cell<'_>, how: TimeColumn) -> Option<i64> {
    let clamped = |value: i128| i64::try_from(value.clamp(i64::MIN.into(), i64::MAX.into())).ok();
    let milliseconds = |value: u64| i64::try_from(value).ok()?.checked_mul(1000);
    match (how, cell) {
        (TimeColumn::Moment | TimeColumn::Civil, Cell::Int64(value)) => Some(value),
        (TimeColumn::Date, Cell::Int32(i32::MAX)) => Some(i64::MAX),
        (TimeColumn::Date, Cell::Int32(i32::MIN)) => Some(i64::MIN),
        (TimeColumn::Date, Cell::Int32(value)) => Some(i64::from(value).saturating_mul(DAY)),
        (TimeColumn::Epoch(unit), Cell::Int64(value)) => clamped(i128::from(value) * i128::from(unit) / 1000),
        (TimeColumn::Epoch(unit), Cell::Int32(value)) => clamped(i128::from(value) * i128::from(unit) / 1000),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a moment to the microsecond is enough to tell the day"
        )]
        (TimeColumn::Epoch(unit), Cell::Double(value)) => Some((value * unit as f64 / 1000.0) as i64),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a moment to the microsecond is enough to tell the day"
        )]
        (TimeColumn::Epoch(unit), Cell::Bytes(text)) => {
            let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            Some((value * unit as f64 / 1000.0) as i64)
        }
        (TimeColumn::Uuid { .. }, Cell::Bytes(bytes)) => {
            let head = bytes.get(..6)?;
            milliseconds(head.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        }
        (TimeColumn::Ulid, Cell::Bytes(text)) => {
            let moment = how.moment(std::str::from_utf8(text).ok()?, &jiff::tz::TimeZone::UTC)?;
            Some(moment.as_microsecond())
        }
        _ => None,
    }
}

/// The day of a time; `None` for infinite ones and such as no calendar has.
fn day(microseconds: i64) -> Option<civil::Date> {
    let start = microseconds.div_euclid(DAY).checked_mul(86_400)?;
    let start = Timestamp::from_second(start).ok()?;
    Some(start.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// A value as the database reads it. `None` for a time of no four-digit year.
fn literal(cell: Cell<'_>, kind: Kind) -> Option<String> {
    let clock = |microseconds: i64, format: &str| {
        let moment = Timestamp::from_microsecond(microseconds).ok()?;
        (day(microseconds)?.year() > 0).then(|| moment.strftime(format).to_string())
    };
    Some(match (kind, cell) {
        (Kind::Moment | Kind::Timestamp, Cell::Int64(i64::MAX)) | (Kind::Date, Cell::Int32(i32::MAX)) => {
            "infinity".to_owned()
        }
        (Kind::Moment | Kind::Timestamp, Cell::Int64(i64::MIN)) | (Kind::Date, Cell::Int32(i32::MIN)) => {
            "-infinity".to_owned()
        }
        (Kind::Moment, Cell::Int64(value)) => clock(value, "%Y-%m-%d %H:%M:%S%.6f+00")?,
        (Kind::Timestamp, Cell::Int64(value)) => clock(value, "%Y-%m-%d %H:%M:%S%.6f")?,
        (Kind::Date, Cell::Int32(value)) => clock(i64::from(value).checked_mul(DAY)?, "%Y-%m-%d")?,
        (_, Cell::Int32(value)) => value.to_string(),
        (_, Cell::Int64(value)) => value.to_string(),
        (_, Cell::Float(value)) => value.to_string(),
        (_, Cell::Double(value)) => value.to_string(),
        (Kind::Uuid, Cell::Bytes(bytes)) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            hex
        }
        (_, Cell::Bytes(text)) => std::str::from_utf8(text).ok()?.to_owned(),
        (_, Cell::Bool(value)) => value.to_string(),
    })
}
