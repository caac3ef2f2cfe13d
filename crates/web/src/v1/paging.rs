//! Pages of lists. A cursor is the key of the last row that was given, so that rows which come or go meanwhile neither
//! repeat nor hide others.

use ostler_vocabulary::{ErrorKind, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::query::Pairs;

/// Rows of a page when nobody says how many.
const USUAL: usize = 100;
/// More rows than there are.
const ALL: usize = u32::MAX as usize;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub limit: usize,
    /// The key after which it begins.
    pub after: Option<String>,
}

impl Wanted {
    pub fn of(pairs: &Pairs) -> Result<Self, Failure> {
        let limit = match pairs.one("limit")? {
            None => USUAL,
            Some("all") => ALL,
            Some(text) => match text.parse() {
                Ok(limit @ 1..=ALL) => limit,
                _ => {
                    let message = format!("limit: `{text}` is neither a number from 1 on nor `all`");
                    return Err(Failure::new(ErrorKind::Invalid, message));
                }
            },
        };
        Ok(Self {
            limit,
            after: pairs.one("cursor")?.map(str::to_owned),
        })
    }

    /// Leaves the rows of the page, and gives the cursor of the next one when there are more. `is_after` says whether a
    /// row comes after the one with that key.
    pub fn cut<T>(
        &self,
        rows: &mut Vec<T>,
        is_after: impl Fn(&T, &str) -> bool,
        key: impl Fn(&T) -> String,
    ) -> Option<String> {
        if let Some(after) = &self.after {
            let first = rows
                .iter()
                .position(|row| is_after(row, after))
                .unwrap_or(rows.len());
            rows.drain(..first);
        }
        if rows.len() <= self.limit {
            return None;
        }
        rows.truncate(self.limit);
        rows.last().map(key)
    }
}

/// The key of something that is listed newest first.
pub(crate) fn newest_first(started: ostler_vocabulary::Timestamp, id: &dyn std::fmt::Display) -> String {
    // Times of equal length, so that keys have the order of times.
    format!("{:020}-{id}", started.as_microsecond())
}

/// A document with the cursor of the next page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Paged<T> {
    #[serde(flatten)]
    pub document: T,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn pages_give_every_row_once_though_rows_come_and_go() {
        let key = |row: &u32| format!("{row:03}");
        let is_after = |row: &u32, after: &str| format!("{row:03}").as_str() < after;
        let mut wanted = Wanted {
            limit: 2,
            after: None,
        };
        let mut page = vec![9, 7, 5, 3];
        wanted.after = wanted.cut(&mut page, is_after, key);
        assert_eq!((page, wanted.after.as_deref()), (vec![9, 7], Some("007")));
        // 7 went and 11 came.
        let mut page = vec![11, 9, 5, 3];
        let next = wanted.cut(&mut page, is_after, key);
        assert_eq!((page, next), (vec![5, 3], None));
    }
}
