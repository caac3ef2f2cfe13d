//! Where a page of a list of operations begins.

use std::fmt;
use std::str::FromStr;

use crate::{Classified, ErrorKind, OperationId, Timestamp};

/// An operation after which a list, the newest first, goes on. As text it is the cursor of the API: the microsecond of the
/// start in 20 digits, `-`, the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationCursor {
    /// When it was first started: its place when it is gone.
    pub started: Timestamp,
    /// Its id.
    pub id: OperationId,
}

/// Text that is no cursor.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no cursor of a list of operations")]
pub struct CursorError(String);

impl Classified for CursorError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        Some("give `next` of the page before, as it is".to_owned())
    }
}

impl fmt::Display for OperationCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{}", self.started.as_microsecond(), self.id)
    }
}

impl FromStr for OperationCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (started, id) = text.rsplit_once('-')?;
            Some(Self {
                started: Timestamp::from_microsecond(started.parse().ok()?).ok()?,
                id: id.parse().ok()?,
            })
        };
        read().ok_or_else(|| CursorError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::OperationCursor;
    use crate::{OperationId, Timestamp};

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for started in [1_800_000_000_123_456, 0, -5] {
            let cursor = OperationCursor {
                started: Timestamp::from_microsecond(started).unwrap(),
                id: OperationId::from_bytes([7; 16]),
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for wrong in ["", "-", "12", "12-34", "x-07070707070707070707070707070707"] {
            assert!(wrong.parse::<OperationCursor>().is_err(), "{wrong}");
        }
    }
}
