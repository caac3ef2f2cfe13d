//! Rows on their way from a database that gives values one by one: the bytes that a row's hash is made from, one row after the other.

use bytes::{Buf, Bytes};
use ostler_vocabulary::{ErrorKind, Failure};

use super::cell::put;
use super::{Cell, Decode, Kind, Packed, Packer};

/// Appends a row.
pub fn write_line(cells: &[Option<Cell<'_>>], out: &mut Vec<u8>) {
    put(cells, out);
}

/// Reads rows of columns of these kinds.
#[derive(Debug)]
pub struct Lines {
    kinds: Vec<Kind>,
}

impl Lines {
    /// A reader of rows.
    #[must_use]
    pub fn new(kinds: Vec<Kind>) -> Self {
        Self { kinds }
    }

    /// The cells of a row, and what comes after it; `None` when it is not whole.
    fn row<'a>(&self, mut at: &'a [u8], cells: &mut Vec<Option<Cell<'a>>>) -> Option<&'a [u8]> {
        for kind in &self.kinds {
            let present = at.split_off_first()?;
            if *present == 0 {
                cells.push(None);
                continue;
            }
            cells.push(Some(cell(*kind, &mut at)?));
        }
        Some(at)
    }
}

impl Decode for Lines {
    fn piece(&mut self, piece: Bytes, packer: &mut Packer, files: &mut Vec<Packed>) -> Result<(), Failure> {
        let mut at = &piece[..];
        let mut cells = Vec::with_capacity(self.kinds.len());
        while !at.is_empty() {
            cells.clear();
            at = self.row(at, &mut cells).ok_or_else(|| {
                Failure::new(
                    ErrorKind::Internal,
                    "a row on its way into an archive is not whole",
                )
            })?;
            files.extend(packer.row(&cells, &piece)?);
        }
        Ok(())
    }

    /// Pieces are of whole rows.
    fn end(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

fn cell<'a>(kind: Kind, at: &mut &'a [u8]) -> Option<Cell<'a>> {
    let mut take = |length: usize| at.split_off(..length);
    Some(match kind {
        Kind::Boolean => Cell::Bool(take(1)? != [0]),
        Kind::Smallint | Kind::Integer | Kind::Date => Cell::Int32(take(4)?.get_i32_le()),
        Kind::Bigint | Kind::Timestamp | Kind::Moment => Cell::Int64(take(8)?.get_i64_le()),
        Kind::Real => Cell::Float(take(4)?.get_f32_le()),
        Kind::Double => Cell::Double(take(8)?.get_f64_le()),
        Kind::Uuid | Kind::Bytes | Kind::Json | Kind::Text => {
            let length = usize::try_from(take(4)?.get_u32_le()).ok()?;
            Cell::Bytes(take(length)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Cell, Kind, Lines, write_line};
    use proptest::prelude::*;

    proptest! {
        /// What is written is read, and nothing else makes it panic.
        #[test]
        fn rows_are_read_as_they_were_written(
            yes in any::<Option<bool>>(), small in any::<Option<i32>>(), big in any::<Option<i64>>(),
            real in any::<Option<u32>>(), double in any::<Option<u64>>(), text in any::<Option<String>>(), cut in 0_usize..8,
        ) {
            let cells = [
                yes.map(Cell::Bool),
                small.map(Cell::Int32),
                big.map(Cell::Int64),
                real.map(|bits| Cell::Float(f32::from_bits(bits))),
                double.map(|bits| Cell::Double(f64::from_bits(bits))),
                text.as_ref().map(|text| Cell::Bytes(text.as_bytes())),
            ];
            let kinds = [Kind::Boolean, Kind::Integer, Kind::Moment, Kind::Real, Kind::Double, Kind::Text];
            let mut bytes = Vec::new();
            write_line(&cells, &mut bytes);
            let whole = bytes.len();
            write_line(&cells, &mut bytes);
            let lines = Lines::new(kinds.to_vec());
            let mut found = Vec::new();
            let rest = lines.row(&bytes, &mut found).map(<[u8]>::len);
            prop_assert_eq!(rest, Some(whole));
            // By their bytes: not a number is not equal to itself.
            let mut again = Vec::new();
            write_line(&found, &mut again);
            prop_assert_eq!(&again[..], &bytes[..whole]);
            let _ = lines.row(&bytes[..whole.saturating_sub(cut)], &mut Vec::new());
        }
    }
}
