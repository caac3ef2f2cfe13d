//! Statements as PostgreSQL has them, their parameters and rows.

use ostler_postgres::{Parameter, Type};

use crate::row::Cell;
use crate::{Error, Row, Value};

/// A statement with `$1` for `?1`, without the comment that says what it does.
pub(super) fn translated(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    for line in sql.lines().filter(|line| !line.starts_with("--")) {
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            let is_parameter = c == '?' && characters.peek().is_some_and(char::is_ascii_digit);
            text.push(if is_parameter { '$' } else { c });
        }
        text.push('\n');
    }
    text
}

/// Text that PostgreSQL can keep: all but the character 0.
pub(super) fn kept(values: &[Value]) -> Vec<Value> {
    values
        .iter()
        .map(|value| match value {
            Value::Text(Some(text)) if text.contains('\0') => {
                Value::Text(Some(text.replace('\0', "\u{fffd}")))
            }
            other => other.clone(),
        })
        .collect()
}

pub(super) fn parameters(values: &[Value]) -> Vec<Parameter<'_>> {
    values
        .iter()
        .map(|value| -> Parameter<'_> {
            match value {
                Value::Integer(number) => (number, Type::INT8),
                Value::Real(number) => (number, Type::FLOAT8),
                Value::Text(text) => (text, Type::TEXT),
                Value::Bytes(bytes) => (bytes, Type::BYTEA),
            }
        })
        .collect()
}

pub(crate) fn row(what: &'static str, row: &ostler_postgres::Row) -> Result<Row, Error> {
    let cells = (0..row.len())
        .map(|column| cell(row, column))
        .collect::<Result<_, _>>();
    cells
        .map(|cells| Row { what, cells })
        .map_err(|(column, reason)| Error::Column { what, column, reason })
}

fn cell(row: &ostler_postgres::Row, column: usize) -> Result<Cell, (usize, String)> {
    fn read<'a, T: ostler_postgres::FromSql<'a>>(
        row: &'a ostler_postgres::Row,
        column: usize,
        cell: impl FnOnce(T) -> Cell,
    ) -> Result<Cell, (usize, String)> {
        row.try_get::<_, Option<T>>(column)
            .map(|value| value.map_or(Cell::Null, cell))
            .map_err(|error| (column, error.to_string()))
    }
    match *row.columns()[column].type_() {
        Type::INT8 => read(row, column, Cell::Integer),
        Type::INT4 => read(row, column, |number: i32| Cell::Integer(number.into())),
        Type::BOOL => read(row, column, |yes: bool| Cell::Integer(yes.into())),
        Type::FLOAT8 => read(row, column, Cell::Real),
        Type::TEXT | Type::VARCHAR | Type::NAME => read(row, column, Cell::Text),
        Type::BYTEA => read(row, column, Cell::Bytes),
        ref other => Err((column, format!("it is of the type {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn parameters_are_numbered_and_the_comment_is_left_out() {
        assert_eq!(
            translated(
                "-- What it does.\n-- ?1 a, ?12 b.\nSELECT a\nFROM t WHERE a = ?1 OR b = ?12 OR c = '?';"
            ),
            "SELECT a\nFROM t WHERE a = $1 OR b = $12 OR c = '?';\n"
        );
    }
}
