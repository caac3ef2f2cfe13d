//! What statements give.

use crate::Error;

/// A row, read in full.
#[derive(Debug, Clone)]
pub struct Row {
    pub(crate) what: &'static str,
    pub(crate) cells: Vec<Cell>,
}

/// One column of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// What a column can be read as.
pub trait FromCell: Sized {
    /// `None` when it is something else.
    fn from_cell(cell: &Cell) -> Option<Self>;
}

impl Row {
    /// A column, from 0.
    ///
    /// # Errors
    /// `Corrupt` when there is something else in it.
    pub fn get<T: FromCell>(&self, column: usize) -> Result<T, Error> {
        self.cells
            .get(column)
            .and_then(T::from_cell)
            .ok_or_else(|| self.unreadable(column, "it is of another type"))
    }

    /// That a column holds something else than was written.
    #[must_use]
    pub fn unreadable(&self, column: usize, reason: impl std::fmt::Display) -> Error {
        Error::Column {
            what: self.what,
            column,
            reason: reason.to_string(),
        }
    }
}

impl FromCell for i64 {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromCell for u32 {
    fn from_cell(cell: &Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for bool {
    fn from_cell(cell: &Cell) -> Option<Self> {
        Some(i64::from_cell(cell)? != 0)
    }
}

impl FromCell for f64 {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Real(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}
