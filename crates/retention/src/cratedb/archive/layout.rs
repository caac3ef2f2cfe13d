//! In which form columns of CrateDB are asked for, kept, and given back: exactly, or not at all. Pure.
//!
//! Answers are JSON, in which a number is no more than what its reader makes of it: what has a fraction is asked for as text.

use ostler_cratedb::quote::identifier;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::Deserialize;
use serde_json::{Number, Value};

use super::json;
use crate::archive::{Cell, ColumnEntry, Kind};

/// What a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Values that JSON has as they are.
    Plain,
    /// Numbers with a fraction.
    Fraction,
    Object,
    Shape,
    Point,
    Vector,
    /// Lists of values that JSON has as they are.
    List,
    /// Lists, so deep, of numbers with a fraction.
    Fractions(usize),
    Objects,
    Shapes,
}

/// A column, and how it is spoken of.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub entry: ColumnEntry,
    form: Form,
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kept {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Float(f32),
    Double(f64),
    Text(String),
}

impl Kept {
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int32(value) => Cell::Int32(*value),
            Self::Int64(value) => Cell::Int64(*value),
            Self::Float(value) => Cell::Float(*value),
            Self::Double(value) => Cell::Double(*value),
            Self::Text(text) => Cell::Bytes(text.as_bytes()),
        }
    }
}

/// How values of a type are kept; `None` for what cannot be kept exactly.
fn form(type_name: &str) -> Option<(Kind, Form)> {
    let base = type_name.trim_end_matches("_array");
    let depth = (type_name.len() - base.len()) / "_array".len();
    let plain = match base {
        "boolean" => Some(Kind::Boolean),
        "byte" | "smallint" => Some(Kind::Smallint),
        "integer" => Some(Kind::Integer),
        "bigint" => Some(Kind::Bigint),
        "timestamp with time zone" => Some(Kind::Moment),
        "timestamp without time zone" => Some(Kind::Timestamp),
        "text" | "character" | "ip" | "uuid" | "bit" => Some(Kind::Text),
        _ => None,
    };
    Some(match (base, depth) {
        (_, 0) if let Some(kind) = plain => (kind, Form::Plain),
        (_, _) if plain.is_some() => (Kind::Text, Form::List),
        ("real", 0) => (Kind::Real, Form::Fraction),
        ("double precision", 0) => (Kind::Double, Form::Fraction),
        ("numeric", 0) => (Kind::Text, Form::Fraction),
        ("real" | "double precision" | "numeric", _) => (Kind::Text, Form::Fractions(depth)),
        ("object", 0) => (Kind::Json, Form::Object),
        ("object", 1) => (Kind::Text, Form::Objects),
        ("geo_shape", 0) => (Kind::Json, Form::Shape),
        ("geo_shape", 1) => (Kind::Text, Form::Shapes),
        ("geo_point", 0) => (Kind::Text, Form::Point),
        ("float_vector", 0) => (Kind::Text, Form::Vector),
        _ => return None,
    })
}

impl Held {
    /// # Errors
    /// `Unsupported` for a type of which values cannot be kept exactly.
    pub fn new(name: String, type_name: String, generated: bool) -> Result<Self, Failure> {
        let Some((kind, form)) = form(&type_name) else {
            let message = format!("column {name} is of type {type_name}, which cannot be archived exactly");
            return Err(Failure::new(ErrorKind::Unsupported, message));
        };
        Ok(Self {
            entry: ColumnEntry {
                name,
                type_name,
                kind,
                generated,
            },
            form,
        })
    }

    /// What is asked for.
    pub fn selected(&self) -> String {
        let name = identifier(&self.entry.name);
        match self.form {
            Form::Plain | Form::List | Form::Vector => name,
            Form::Fraction | Form::Object => format!("{name}::text"),
            Form::Shape => format!("({name}::object)::text"),
            Form::Point => {
                format!("'POINT (' || longitude({name})::text || ' ' || latitude({name})::text || ')'")
            }
            Form::Fractions(depth) => {
                format!("{name}::{}text{}", "array(".repeat(depth), ")".repeat(depth))
            }
            Form::Objects => format!("{name}::array(text)"),
            Form::Shapes => format!("({name}::array(object))::array(text)"),
        }
    }

    /// A value as it is kept; an error has the reason.
    pub fn kept(&self, value: &Value) -> Result<Option<Kept>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let found = match self.form {
            Form::Plain => self.plain(value),
            Form::Fraction => value.as_str().and_then(|text| match self.entry.kind {
                Kind::Real => text.parse().ok().map(Kept::Float),
                Kind::Double => text.parse().ok().map(Kept::Double),
                _ => Some(Kept::Text(text.to_owned())),
            }),
            Form::Point => value.as_str().map(|text| Kept::Text(text.to_owned())),
            Form::Object | Form::Shape => value.as_str().and_then(json::canonical).map(Kept::Text),
            Form::List if self.entry.type_name.starts_with("bit_") => {
                let list = value.as_array().and_then(|list| list.iter().map(bits).collect());
                list.map(|list: Value| Kept::Text(list.to_string()))
            }
            Form::List | Form::Fractions(_) => value.is_array().then(|| Kept::Text(value.to_string())),
            Form::Objects | Form::Shapes => {
                let each = |value: &Value| match value {
                    Value::Null => Some(Value::Null),
                    other => Some(Value::from(json::canonical(other.as_str()?)?)),
                };
                let list = value.as_array().and_then(|list| list.iter().map(each).collect());
                list.map(|list: Value| Kept::Text(list.to_string()))
            }
            Form::Vector => vector(value).map(Kept::Text),
        };
        match found {
            Some(found) => Ok(Some(found)),
            None => Err(format!(
                "a value of column {} cannot be archived: {value}",
                self.entry.name
            )),
        }
    }

    fn plain(&self, value: &Value) -> Option<Kept> {
        let number = || value.as_i64();
        Some(match self.entry.kind {
            Kind::Boolean => Kept::Bool(value.as_bool()?),
            Kind::Smallint => Kept::Int32(i16::try_from(number()?).ok()?.into()),
            Kind::Integer => Kept::Int32(number()?.try_into().ok()?),
            Kind::Bigint => Kept::Int64(number()?),
            Kind::Moment | Kind::Timestamp => Kept::Int64(number()?.checked_mul(1000)?),
            _ if self.entry.type_name == "bit" => Kept::Text(bits(value)?.as_str()?.to_owned()),
            _ => Kept::Text(value.as_str()?.to_owned()),
        })
    }

    /// What stands for a value where rows are added.
    pub fn given(&self, cell: Cell<'_>) -> Option<Value> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(match (self.form, cell) {
            (_, Cell::Bool(value)) => value.into(),
            (_, Cell::Int32(value)) => value.into(),
            (_, Cell::Int64(value)) => match self.entry.kind {
                Kind::Moment | Kind::Timestamp => (value / 1000).into(),
                _ => value.into(),
            },
            (_, Cell::Float(value)) => fraction(f64::from(value), format!("{value:?}")),
            (_, Cell::Double(value)) => fraction(value, format!("{value:?}")),
            (Form::Plain | Form::Fraction | Form::Object | Form::Point, Cell::Bytes(bytes)) => {
                text(bytes)?.into()
            }
            (Form::Shape, Cell::Bytes(bytes)) => json::value(text(bytes)?)?,
            (Form::Shapes, Cell::Bytes(bytes)) => {
                let list: Vec<Option<String>> = serde_json::from_slice(bytes).ok()?;
                let shapes = list.iter().map(|shape| match shape {
                    Some(shape) => json::value(shape),
                    None => Some(Value::Null),
                });
                Value::Array(shapes.collect::<Option<_>>()?)
            }
            (Form::List | Form::Fractions(_) | Form::Objects, Cell::Bytes(bytes)) => {
                serde_json::from_slice(bytes).ok()?
            }
            (Form::Vector, Cell::Bytes(bytes)) => json::value(text(bytes)?)?,
        })
    }
}

/// Digits of bits, which are said as `B'0110'` and taken as `0110`, also in lists.
fn bits(value: &Value) -> Option<Value> {
    match value {
        Value::Array(list) => list.iter().map(bits).collect(),
        Value::String(text) => Some(text.strip_prefix("B'")?.strip_suffix('\'')?.into()),
        Value::Null => Some(Value::Null),
        _ => None,
    }
}

/// A number with a fraction as text: the server reads every digit of it.
fn fraction(value: f64, text: String) -> Value {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    text.into()
}

/// A list of numbers of 32 bits, each written as short as it can be.
fn vector(value: &Value) -> Option<String> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the server wrote a number of 32 bits"
    )]
    let each = |value: &Value| Some(format!("{:?}", value.as_f64()? as f32));
    let list = value.as_array()?.iter().map(each).collect::<Option<Vec<_>>>()?;
    Some(format!("[{}]", list.join(",")))
}

/// What the catalogue says of a table.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub columns: Vec<Held>,
    /// The columns that tell a row from all others, in a statement that removes it only if it is as it was; `None` where there
    /// are none.
    pub keys: Option<Vec<String>>,
}

/// How a table is divided.
#[derive(Debug, Deserialize)]
pub(super) struct Divided(pub Option<String>, pub Option<Vec<String>>);

impl Layout {
    pub fn new(columns: Vec<Held>, primary: Vec<String>, divided: &Divided) -> Self {
        let by_id = divided.0.as_deref() == Some("_id") && divided.1.as_ref().is_none_or(Vec::is_empty);
        let known = |key: &String| columns.iter().any(|column| column.entry.name == *key);
        let keys = match primary.is_empty() {
            true => by_id.then(Vec::new),
            false => primary.iter().all(known).then_some(primary),
        };
        Self { columns, keys }
    }

    pub fn entries(&self) -> Vec<ColumnEntry> {
        self.columns.iter().map(|column| column.entry.clone()).collect()
    }
}

/// A number that a text is, for places that take only one.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_number().and_then(Number::as_i64)
}

#[cfg(test)]
mod tests {
    use super::{Held, Kept};
    use serde_json::{Value, json};

    fn column(type_name: &str) -> Held {
        Held::new("c".into(), type_name.into(), false).unwrap()
    }

    /// What is given to the server again is what it said, or says the same.
    #[test]
    fn values_of_every_type_are_kept_and_given_back() {
        for (type_name, selected, said, given) in [
            ("boolean", "\"c\"", json!(true), json!(true)),
            (
                "bigint",
                "\"c\"",
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_993_i64),
            ),
            ("timestamp with time zone", "\"c\"", json!(-1), json!(-1)),
            (
                "double precision",
                "\"c\"::text",
                json!("1.0E300"),
                json!("1e300"),
            ),
            (
                "double precision",
                "\"c\"::text",
                json!("-Infinity"),
                json!("-Infinity"),
            ),
            ("real", "\"c\"::text", json!("NaN"), json!("NaN")),
            ("bit", "\"c\"", json!("B'0110'"), json!("0110")),
            ("bit_array", "\"c\"", json!(["B'01'", null]), json!(["01", null])),
            (
                "numeric",
                "\"c\"::text",
                json!("12345678901234567890.0123456789"),
                json!("12345678901234567890.0123456789"),
            ),
            (
                "object",
                "\"c\"::text",
                json!(r#"{"b":1.10,"a":null}"#),
                json!(r#"{"a":null,"b":1.10}"#),
            ),
            (
                "geo_shape",
                "(\"c\"::object)::text",
                json!(r#"{"type":"Point","coordinates":[0.1,1.0E-7]}"#),
                json!({"coordinates": [0.1, 1e-7], "type": "Point"}),
            ),
            ("bigint_array", "\"c\"", json!([1, null]), json!([1, null])),
            (
                "numeric_array_array",
                "\"c\"::array(array(text))",
                json!([["1.10"], null]),
                json!([["1.10"], null]),
            ),
            (
                "object_array",
                "\"c\"::array(text)",
                json!([r#"{"b":1,"a":2}"#, null]),
                json!([r#"{"a":2,"b":1}"#, null]),
            ),
            ("float_vector", "\"c\"", json!([1.1, 2.0]), json!([1.1, 2.0])),
        ] {
            let column = column(type_name);
            assert_eq!(column.selected(), selected);
            let kept = column.kept(&said).unwrap().unwrap();
            assert_eq!(column.given(kept.cell()), Some(given), "{type_name}");
            assert_eq!(column.kept(&Value::Null), Ok(None));
        }
        for type_name in ["geo_point_array", "object_array_array", "time with time zone"] {
            let failure = Held::new("c".into(), type_name.into(), false).unwrap_err();
            assert!(failure.messages().join(" ").contains("column c"), "{type_name}");
        }
        // A moment that is too far away for microseconds.
        let beyond = column("timestamp with time zone").kept(&json!(i64::MAX));
        assert!(beyond.is_err_and(|reason| reason.contains("column c")));
        assert_eq!(column("byte").kept(&json!(-3)), Ok(Some(Kept::Int32(-3))));
    }
}
