//! Which columns of a row go into the target's table, and under what names.

use crate::consumer::row::Row;

/// Changes of columns. Without any, rows go as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// Names at the source, with those that the target has for them.
    pub rename: Vec<(String, String)>,
    /// Names at the source of what the target does not get.
    pub skip: Vec<String>,
}

impl Columns {
    /// The row as the target knows it.
    #[must_use]
    pub fn apply(&self, mut row: Row) -> Row {
        if !self.skip.is_empty() {
            row.columns.retain(|(name, _)| !self.skip.contains(name));
        }
        let renamed = row.columns.iter_mut().map(|(name, _)| name);
        for name in renamed.chain(&mut row.key) {
            if let Some((_, new)) = self.rename.iter().find(|(old, _)| old == name) {
                name.clone_from(new);
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::Columns;
    use crate::consumer::row::{Change, Row};

    #[test]
    fn columns_go_under_their_new_names_or_not_at_all() {
        let columns = Columns {
            rename: vec![("id".into(), "number".into()), ("a".into(), "b".into())],
            skip: vec!["b".into(), "c".into()],
        };
        let row = columns.apply(Row {
            change: Change::Update,
            table: "t".into(),
            key: vec!["id".into()],
            columns: ["id", "a", "b", "c"].map(|name| (name.into(), None)).into(),
        });
        assert_eq!(row.key, ["number"]);
        let names: Vec<&str> = row.columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["number", "b"]);
    }
}
