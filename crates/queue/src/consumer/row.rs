//! The change of a row, as `pgq.logutriga` and `pgq.jsontriga` write it into an event.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Event;

/// What happened to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Insert,
    /// It was changed; the event has all its columns.
    Update,
    /// It is gone; the event has its last columns.
    Delete,
    /// All rows of the table are gone; there are no columns.
    Truncate,
}

/// A change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What happened.
    pub change: Change,
    /// The table as `schema.name`, unquoted.
    pub table: String,
    /// Columns of the primary key. Empty for a table without one.
    pub key: Vec<String>,
    /// Columns with their values in PostgreSQL's text form, in the table's order.
    pub columns: Vec<(String, Option<String>)>,
}

/// Why an event is no change of a row.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Its type is none that the triggers write.
    #[error("event {ev_id} has type `{ev_type}`, which neither logutriga nor jsontriga writes")]
    Type {
        /// The event.
        ev_id: i64,
        /// Its type, cut.
        ev_type: String,
    },
    /// A part is missing.
    #[error("event {ev_id} has no {part}")]
    Missing {
        /// The event.
        ev_id: i64,
        /// What is missing.
        part: &'static str,
    },
    /// The payload is not in the form its type says.
    #[error("the payload of event {ev_id} is not {form}")]
    Payload {
        /// The event.
        ev_id: i64,
        /// The form.
        form: &'static str,
    },
}

#[derive(Deserialize)]
struct JsonType {
    op: String,
    #[serde(default)]
    table: Vec<String>,
    #[serde(default)]
    pkey: Vec<String>,
}

impl Row {
    pub(super) fn of(event: &Event) -> Result<Self, RowError> {
        let ev_id = event.ev_id;
        let ev_type = event.ev_type.as_deref().unwrap_or_default();
        let unknown = || RowError::Type {
            ev_id,
            ev_type: ev_type.chars().take(40).collect(),
        };
        let is_json = ev_type.starts_with('{');
        let (change, key, table) = if is_json {
            let parsed: JsonType = serde_json::from_str(ev_type).map_err(|_| unknown())?;
            (
                change(&parsed.op).ok_or_else(unknown)?,
                parsed.pkey,
                Some(parsed.table.join(".")),
            )
        } else {
            let (letter, key) = ev_type.split_once(':').unwrap_or((ev_type, ""));
            if letter != "R" && !ev_type.contains(':') {
                return Err(unknown());
            }
            let key = key
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            (change(letter).ok_or_else(unknown)?, key, None)
        };
        let table = event
            .ev_extra1
            .clone()
            .or(table.filter(|name| !name.is_empty()))
            .ok_or(RowError::Missing {
                ev_id,
                part: "table in ev_extra1",
            })?;
        let columns = match (change, event.ev_data.as_deref()) {
            (Change::Truncate, _) => Vec::new(),
            (_, None) => {
                return Err(RowError::Missing {
                    ev_id,
                    part: "payload",
                });
            }
            (_, Some(data)) if is_json => from_json(ev_id, data)?,
            (_, Some(data)) => from_urlencoded(data).ok_or(RowError::Payload {
                ev_id,
                form: "urlencoded",
            })?,
        };
        Ok(Self {
            change,
            table,
            key,
            columns,
        })
    }

    /// The value of a column; the outer `None` when there is no such column.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<Option<&str>> {
        self.columns
            .iter()
            .find(|(name, _)| name == column)
            .map(|(_, value)| value.as_deref())
    }
}

fn change(word: &str) -> Option<Change> {
    match word {
        "I" | "INSERT" => Some(Change::Insert),
        "U" | "UPDATE" => Some(Change::Update),
        "D" | "DELETE" => Some(Change::Delete),
        "R" | "TRUNCATE" => Some(Change::Truncate),
        _ => None,
    }
}

fn from_json(ev_id: i64, data: &str) -> Result<Vec<(String, Option<String>)>, RowError> {
    let object: Map<String, Value> = serde_json::from_str(data).map_err(|_| RowError::Payload {
        ev_id,
        form: "a JSON object",
    })?;
    Ok(object
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            };
            (name, text)
        })
        .collect())
}

/// PgQ's dialect: a name without `=` is NULL, `+` is a blank.
pub(super) fn from_urlencoded(data: &str) -> Option<Vec<(String, Option<String>)>> {
    data.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => Some((unescape(name)?, Some(unescape(value)?))),
            None => Some((unescape(pair)?, None)),
        })
        .collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Change, Event, Row, RowError, from_urlencoded};

    fn event(ev_type: &str, ev_data: Option<&str>, table: Option<&str>) -> Event {
        Event {
            ev_id: 7,
            ev_time: ostler_vocabulary::Timestamp::UNIX_EPOCH,
            ev_txid: 1,
            ev_retry: None,
            ev_type: Some(ev_type.to_owned()),
            ev_data: ev_data.map(str::to_owned),
            ev_extra1: table.map(str::to_owned),
            ev_extra2: None,
            ev_extra3: None,
            ev_extra4: None,
        }
    }

    fn columns(pairs: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn urlencoded_rows_are_read() {
        let row = event(
            "U:id,part",
            Some("id=1&part=a+b&note=%c3%a9%26&gone&empty="),
            Some("public.t"),
        )
        .row()
        .expect("a row");
        assert_eq!(row.change, Change::Update);
        assert_eq!(row.table, "public.t");
        assert_eq!(row.key, ["id", "part"]);
        let wanted = [
            ("id", Some("1")),
            ("part", Some("a b")),
            ("note", Some("é&")),
            ("gone", None),
            ("empty", Some("")),
        ];
        assert_eq!(row.columns, columns(&wanted));
        assert_eq!(row.value("gone"), Some(None));
        assert_eq!(row.value("nowhere"), None);
    }

    #[test]
    fn json_rows_are_read() {
        let row = event(
            r#"{"op":"DELETE","table":["shop","order"],"pkey":["id"]}"#,
            Some(r#"{"id":12345678901234567,"paid":true,"price":"1.50","note":null}"#),
            None,
        )
        .row()
        .expect("a row");
        assert_eq!((row.change, row.table.as_str()), (Change::Delete, "shop.order"));
        let wanted = [
            ("id", Some("12345678901234567")),
            ("paid", Some("true")),
            ("price", Some("1.50")),
            ("note", None),
        ];
        assert_eq!(row.columns, columns(&wanted));
    }

    #[test]
    fn truncates_have_no_columns() {
        let row = event("R", None, Some("public.t")).row().expect("a row");
        assert_eq!((row.change, row.columns.len()), (Change::Truncate, 0));
    }

    #[test]
    fn anything_else_is_an_error_and_no_panic() {
        let said = |ev_type: &str, data: Option<&str>| {
            Row::of(&event(ev_type, data, Some("t")))
                .expect_err("no row")
                .to_string()
        };
        assert!(matches!(
            Row::of(&event("I", Some("(id) values ('1')"), Some("t"))),
            Err(RowError::Type { .. })
        ));
        assert!(said("{", Some("")).contains("neither"));
        assert!(said("I:id", None).contains("no payload"));
        assert!(said("I:id", Some("id=%4")).contains("urlencoded"));
        assert!(said("I:id", Some("id=%zz")).contains("urlencoded"));
        assert!(said("I:id", Some("id=%ff")).contains("urlencoded"));
        assert!(said(r#"{"op":"INSERT"}"#, Some("[1]")).contains("JSON"));
        assert_eq!(from_urlencoded(""), Some(Vec::new()));
    }
}
