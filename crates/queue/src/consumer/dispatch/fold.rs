//! Changes of many rows, folded to at most one a key.

use std::collections::HashMap;

use crate::consumer::row::{Change, Row};

/// What is left to do to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// What to do. Never [`Change::Truncate`].
    pub change: Change,
    /// The last columns.
    pub columns: Vec<(String, Option<String>)>,
}

/// Changes of one table in order, as groups that may each be applied in any order within itself.
///
/// Per key: insert and delete is nothing, insert and update an insert, update and delete a delete, delete and insert an
/// update. A truncate ends a group.
#[derive(Debug, Default)]
pub struct Fold {
    key: Vec<String>,
    rows: HashMap<Vec<Option<String>>, usize>,
    folded: Vec<Option<Folded>>,
}

/// A row without its key cannot be folded.
#[derive(Debug, thiserror::Error)]
#[error("a row of `{table}` does not have the column `{column}` of the key")]
pub struct NoKey {
    /// The table.
    pub table: String,
    /// What is missing.
    pub column: String,
}

impl Fold {
    /// An empty group of a table with this key.
    #[must_use]
    pub fn new(key: Vec<String>) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// Adds the next change.
    ///
    /// # Errors
    /// When the row does not have its key.
    pub fn add(&mut self, row: Row) -> Result<(), NoKey> {
        let mut key = Vec::with_capacity(self.key.len());
        for column in &self.key {
            match row.value(column) {
                Some(value) => key.push(value.map(str::to_owned)),
                None => {
                    return Err(NoKey {
                        table: row.table,
                        column: column.clone(),
                    });
                }
            }
        }
        let slot = *self.rows.entry(key).or_insert_with(|| {
            self.folded.push(None);
            self.folded.len() - 1
        });
        let before = self.folded[slot].take();
        let change = match (before.map(|folded| folded.change), row.change) {
            (Some(Change::Insert), Change::Delete) => None,
            (Some(Change::Insert), _) => Some(Change::Insert),
            (Some(Change::Delete), Change::Insert) => Some(Change::Update),
            (_, change) => Some(change),
        };
        self.folded[slot] = change.map(|change| Folded {
            change,
            columns: row.columns,
        });
        Ok(())
    }

    /// What is left to do, in the order in which keys first appeared.
    pub fn into_rows(self) -> impl Iterator<Item = Folded> {
        self.folded.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Change, Fold, Folded, Row};
    use proptest::prelude::*;

    fn row(change: Change, id: u8, value: u32) -> Row {
        Row {
            change,
            table: "t".to_owned(),
            key: vec!["id".to_owned()],
            columns: vec![
                ("id".to_owned(), Some(id.to_string())),
                ("v".to_owned(), Some(value.to_string())),
            ],
        }
    }

    fn folded(changes: &[Change]) -> Vec<Change> {
        let mut fold = Fold::new(vec!["id".to_owned()]);
        for change in changes {
            fold.add(row(*change, 1, 0)).expect("has its key");
        }
        fold.into_rows().map(|folded| folded.change).collect()
    }

    #[test]
    fn two_changes_of_one_key_become_one() {
        use Change::{Delete, Insert, Update};
        assert_eq!(folded(&[Insert, Delete]), []);
        assert_eq!(folded(&[Insert, Update]), [Insert]);
        assert_eq!(folded(&[Update, Update]), [Update]);
        assert_eq!(folded(&[Update, Delete]), [Delete]);
        assert_eq!(folded(&[Delete, Insert]), [Update]);
        assert_eq!(folded(&[Insert, Delete, Insert]), [Insert]);
        assert_eq!(folded(&[Delete, Insert, Delete]), [Delete]);
    }

    #[test]
    fn a_row_without_its_key_is_an_error() {
        let mut fold = Fold::new(vec!["other".to_owned()]);
        assert!(fold.add(row(Change::Insert, 1, 1)).is_err());
    }

    fn apply(table: &mut BTreeMap<String, String>, folded: &Folded) -> Result<(), TestCaseError> {
        let id = folded.columns[0].1.clone().unwrap_or_default();
        let value = folded.columns[1].1.clone().unwrap_or_default();
        let was = match folded.change {
            Change::Delete => table.remove(&id),
            _ => table.insert(id, value),
        };
        prop_assert_eq!(was.is_none(), folded.change == Change::Insert);
        Ok(())
    }

    proptest! {
        /// Whatever valid history a table has: its folded changes, in any order, make the same table.
        #[test]
        fn folding_keeps_the_outcome(
            start in proptest::collection::btree_set(0_u8..8, 0..8),
            steps in proptest::collection::vec((0_u8..8, any::<bool>()), 0..60),
            backwards in any::<bool>(),
        ) {
            let mut table: BTreeMap<String, String> =
                start.iter().map(|id| (id.to_string(), "old".to_owned())).collect();
            let mut by_fold = table.clone();
            let mut fold = Fold::new(vec!["id".to_owned()]);
            for (value, (id, delete)) in (0_u32..).zip(steps) {
                let there = table.contains_key(&id.to_string());
                let change = match (there, delete) {
                    (true, true) => Change::Delete,
                    (true, false) => Change::Update,
                    (false, _) => Change::Insert,
                };
                let row = row(change, id, value);
                match change {
                    Change::Delete => { table.remove(&id.to_string()); }
                    _ => { table.insert(id.to_string(), value.to_string()); }
                }
                fold.add(row).expect("has its key");
            }
            let mut rows: Vec<Folded> = fold.into_rows().collect();
            if backwards {
                rows.reverse();
            }
            for row in &rows {
                apply(&mut by_fold, row)?;
            }
            prop_assert_eq!(by_fold, table);
        }
    }
}
