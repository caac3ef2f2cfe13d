//! What CrateDB's catalogue says of a table.

use std::collections::BTreeMap;

use ostler_api::retention::TableName;
use ostler_vocabulary::Failure;
use serde_json::Value;

use super::CrateDb;
use super::span::{self, Cut};
use crate::facts::{Column, Known, Partition, Range, Shape, Stray, Table, Values, Whereabouts};
use crate::obstacle::Obstacles;

/// A partition column: its name, its type, and what it is made from.
struct Key {
    name: String,
    type_name: String,
    cut: Option<Cut>,
}

/// What shards say of a partition.
#[derive(Default)]
struct Extent {
    uuid: String,
    bytes: u64,
    rows: u64,
}

impl CrateDb {
    pub(super) async fn read_facts(&self, table: &TableName) -> Result<Option<Table>, Failure> {
        let names = [Value::from(table.schema.clone()), Value::from(table.name.clone())];
        let statement = include_str!("queries/table.sql");
        let answer = self.client.execute(statement, &names).await?;
        let Some(row) = answer.rows.first() else {
            return Ok(None);
        };
        let kind = text(row.first());
        let by: Vec<String> = row
            .get(1)
            .and_then(Value::as_array)
            .map(|names| names.iter().map(|name| text(Some(name))).collect())
            .unwrap_or_default();
        let answer = self
            .client
            .execute(include_str!("queries/columns.sql"), &names)
            .await?;
        let names_of: Vec<String> = answer.rows.iter().map(|row| text(row.first())).collect();
        let mut columns = Vec::new();
        let mut keys = Vec::new();
        for row in &answer.rows {
            let (name, type_name) = (text(row.first()), text(row.get(1)));
            let expression = row.get(2).and_then(Value::as_str);
            let cut = expression.and_then(|expression| span::cut(expression, &names_of));
            columns.push(Column {
                made_from: cut.as_ref().map(|cut| cut.from.clone()),
                name: name.clone(),
                type_name: type_name.clone(),
            });
            if by.contains(&name) {
                keys.push(Key { name, type_name, cut });
            }
        }
        let partitions = match by.is_empty() {
            true => Vec::new(),
            false => self.read_partitions(table, &names, &by, &keys, &columns).await?,
        };
        let mut known = by.clone();
        known.extend(keys.iter().filter_map(|key| Some(key.cut.as_ref()?.from.clone())));
        Ok(Some(Table {
            table: table.clone(),
            shape: match (kind.as_str(), by.is_empty()) {
                ("BASE TABLE", true) => Shape::Plain,
                ("BASE TABLE", false) => Shape::Partitioned,
                _ => Shape::Other,
            },
            columns,
            keys: known,
            partitions,
            detaches_concurrently: false,
            rows_go_proven: false,
            stray: Stray::default(),
            rollup: None,
            whereabouts: Whereabouts::default(),
            partman: None,
            repositories: Vec::new(),
            obstacles: Obstacles::default(),
        }))
    }

    async fn read_partitions(
        &self,
        table: &TableName,
        names: &[Value],
        by: &[String],
        keys: &[Key],
        columns: &[Column],
    ) -> Result<Vec<Partition>, Failure> {
        let statement = include_str!("queries/partitions.sql");
        let found = self.client.execute(statement, names).await?;
        let shards = self
            .client
            .execute(include_str!("queries/shards.sql"), names)
            .await?;
        let mut extents: BTreeMap<String, Extent> = BTreeMap::new();
        for row in &shards.rows {
            extents.insert(
                text(row.first()),
                Extent {
                    uuid: text(row.get(1)),
                    bytes: row.get(2).and_then(Value::as_u64).unwrap_or(0),
                    rows: row.get(3).and_then(Value::as_u64).unwrap_or(0),
                },
            );
        }
        let partitions = found.rows.iter().map(|row| {
            let ident = text(row.first());
            let given = row.get(1).and_then(Value::as_object);
            let values: Vec<(String, Value)> = by
                .iter()
                .map(|key| {
                    let value = given.and_then(|given| given.get(key)).cloned();
                    (key.clone(), value.unwrap_or_default())
                })
                .collect();
            let closed = row.get(2).and_then(Value::as_bool).unwrap_or(false);
            let extent = extents.remove(&ident).unwrap_or_default();
            Partition {
                table: TableName {
                    schema: table.schema.clone(),
                    name: label(&table.name, &values, keys, closed),
                },
                parent: table.clone(),
                ranges: ranges(&values, keys, columns, closed),
                known: Known::Values(Values {
                    ident,
                    uuid: extent.uuid,
                    values,
                }),
                bytes: extent.bytes,
                rows: Some(extent.rows),
            }
        });
        Ok(partitions.collect())
    }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The ranges of a partition by its keys, and by what those are made from. A closed one tells none: it cannot be counted.
fn ranges(
    values: &[(String, Value)],
    keys: &[Key],
    columns: &[Column],
    closed: bool,
) -> Vec<(String, Range)> {
    let mut ranges = Vec::new();
    for key in keys {
        let value = values.iter().find(|(name, _)| *name == key.name);
        let Some((_, value)) = value else { continue };
        let of = |type_name: &str| match closed {
            true => Range::default(),
            false => span::range(value, type_name, key.cut.as_ref()).unwrap_or_default(),
        };
        ranges.push((key.name.clone(), of(&key.type_name)));
        if let Some(cut) = &key.cut {
            let source = columns.iter().find(|column| column.name == cut.from);
            let type_name = source.map_or("", |column| column.type_name.as_str());
            ranges.push((cut.from.clone(), of(type_name)));
        }
    }
    ranges
}

/// A name for people: `readings[month=2023-05-01]`.
fn label(table: &str, values: &[(String, Value)], keys: &[Key], closed: bool) -> String {
    let shown = |name: &str, value: &Value| -> String {
        let type_name = keys
            .iter()
            .find(|key| key.name == name)
            .map(|key| key.type_name.as_str());
        match (value, type_name) {
            (Value::Null, _) => name.to_owned(),
            (Value::String(text), _) if !text.contains(|c: char| ",=[]\"".contains(c)) => {
                format!("{name}={text}")
            }
            (Value::Number(number), Some(type_name)) if type_name.starts_with("timestamp") => {
                let moment = number
                    .as_i64()
                    .and_then(|number| span::text(number, "timestamp without time zone"));
                let moment = moment.unwrap_or_else(|| number.to_string());
                let moment = moment.strip_suffix(" 00:00:00").unwrap_or(&moment);
                format!("{name}={}", moment.replace(' ', "T"))
            }
            (other, _) => format!("{name}={other}"),
        }
    };
    let pairs: Vec<String> = values.iter().map(|(name, value)| shown(name, value)).collect();
    let closed = if closed { "(closed)" } else { "" };
    format!("{table}[{}]{closed}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::{Key, label};
    use serde_json::{Value, json};

    #[test]
    fn partitions_have_names_for_people() {
        let keys = [Key {
            name: "day".into(),
            type_name: "timestamp with time zone".into(),
            cut: None,
        }];
        for (values, expected) in [
            (vec![("day", json!(1_685_577_600_000_i64))], "t[day=2023-06-01]"),
            (
                vec![("day", json!(1_685_577_600_500_i64))],
                "t[day=2023-06-01T00:00:00.500]",
            ),
            (
                vec![("day", Value::Null), ("region", json!("eu")), ("n", json!(5))],
                "t[day,region=eu,n=5]",
            ),
            (vec![("region", json!("a,b=c"))], "t[region=\"a,b=c\"]"),
        ] {
            let values: Vec<(String, Value)> = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            assert_eq!(label("t", &values, &keys, false), expected);
        }
    }
}
