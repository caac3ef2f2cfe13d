//! Cells, columns of cells, and the hash of a row.

use bytes::Bytes;
use parquet::data_type::{ByteArray, FixedLenByteArray};

use super::Kind;

/// A value, in the form in which it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// `Boolean`
    Bool(bool),
    /// `Smallint`, `Integer`, `Date`
    Int32(i32),
    /// `Bigint`, `Timestamp`, `Moment`
    Int64(i64),
    /// `Real`
    Float(f32),
    /// `Double`
    Double(f64),
    /// `Uuid`, `Bytes`, `Json`, `Text`
    Bytes(&'a [u8]),
}

/// Values of one column that are not null.
#[derive(Debug)]
pub(super) enum Data {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A column of some rows.
#[derive(Debug)]
pub struct Column {
    /// How its values are kept.
    pub kind: Kind,
    /// By row: 1 where there is a value, 0 for null.
    pub(super) present: Vec<i16>,
    pub(super) data: Data,
}

impl Column {
    /// One without rows.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            present: Vec::new(),
            data: match kind {
                Kind::Boolean => Data::Bool(Vec::new()),
                Kind::Smallint | Kind::Integer | Kind::Date => Data::Int32(Vec::new()),
                Kind::Bigint | Kind::Timestamp | Kind::Moment => Data::Int64(Vec::new()),
                Kind::Real => Data::Float(Vec::new()),
                Kind::Double => Data::Double(Vec::new()),
                Kind::Uuid => Data::Fixed(Vec::new()),
                Kind::Bytes | Kind::Json | Kind::Text => Data::Bytes(Vec::new()),
            },
        }
    }

    /// Adds a row's value, which points into `source`. `false` when it is not of the column's kind.
    pub(super) fn push(&mut self, cell: Option<Cell<'_>>, source: &Bytes) -> bool {
        let Some(cell) = cell else {
            self.present.push(0);
            return true;
        };
        match (&mut self.data, cell) {
            (Data::Bool(values), Cell::Bool(value)) => values.push(value),
            (Data::Int32(values), Cell::Int32(value)) => values.push(value),
            (Data::Int64(values), Cell::Int64(value)) => values.push(value),
            (Data::Float(values), Cell::Float(value)) => values.push(value),
            (Data::Double(values), Cell::Double(value)) => values.push(value),
            (Data::Bytes(values), Cell::Bytes(value)) => values.push(source.slice_ref(value).into()),
            (Data::Fixed(values), Cell::Bytes(value)) if value.len() == 16 => {
                values.push(ByteArray::from(source.slice_ref(value)).into());
            }
            _ => return false,
        }
        self.present.push(1);
        true
    }

    /// How many values are not null.
    pub(super) fn data_len(&self) -> usize {
        match &self.data {
            Data::Bool(values) => values.len(),
            Data::Int32(values) => values.len(),
            Data::Int64(values) => values.len(),
            Data::Float(values) => values.len(),
            Data::Double(values) => values.len(),
            Data::Bytes(values) => values.len(),
            Data::Fixed(values) => values.len(),
        }
    }

    /// The value at a place among those that are not null.
    pub(super) fn value(&self, at: usize) -> Option<Cell<'_>> {
        match &self.data {
            Data::Bool(values) => values.get(at).map(|value| Cell::Bool(*value)),
            Data::Int32(values) => values.get(at).map(|value| Cell::Int32(*value)),
            Data::Int64(values) => values.get(at).map(|value| Cell::Int64(*value)),
            Data::Float(values) => values.get(at).map(|value| Cell::Float(*value)),
            Data::Double(values) => values.get(at).map(|value| Cell::Double(*value)),
            Data::Bytes(values) => values.get(at).map(|value| Cell::Bytes(value.data())),
            Data::Fixed(values) => values.get(at).map(|value| Cell::Bytes(value.data())),
        }
    }
}

/// The hash of a row: BLAKE3 over, for each cell, 0 for null, or 1 and the value in little-endian bytes, before bytes their
/// number in four. `scratch` is only there to be used again.
#[must_use]
pub fn hash(cells: &[Option<Cell<'_>>], scratch: &mut Vec<u8>) -> [u8; 32] {
    scratch.clear();
    put(cells, scratch);
    blake3::hash(scratch).into()
}

/// Appends the bytes of a row that its hash is made from.
pub(super) fn put(cells: &[Option<Cell<'_>>], out: &mut Vec<u8>) {
    for cell in cells {
        let Some(cell) = cell else {
            out.push(0);
            continue;
        };
        out.push(1);
        match cell {
            Cell::Bool(value) => out.push(u8::from(*value)),
            Cell::Int32(value) => out.extend(value.to_le_bytes()),
            Cell::Int64(value) => out.extend(value.to_le_bytes()),
            Cell::Float(value) => out.extend(value.to_le_bytes()),
            Cell::Double(value) => out.extend(value.to_le_bytes()),
            Cell::Bytes(value) => {
                // A cell has less than a gigabyte.
                out.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(value);
            }
        }
    }
}
