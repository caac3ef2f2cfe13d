//! A partition that is kept in a snapshot before it goes: made, waited for, looked at; only then is it dropped.

use std::time::Duration;

use ostler_api::document::RetentionItem;
use ostler_api::retention::TableName;
use ostler_cratedb::quote::identifier;
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::CrateDb;
use super::rows::rest;
use super::statement::{Bound, about_partition, fill};
use crate::facts::Values;

/// How long to wait until it is looked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Its name: lower case, which the server wants, and another one for each operation, as rows may have come since another one's.
pub(super) fn name(table: &TableName, partition: &Values, operation: &str) -> String {
    let plain = |c: char| match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        'a'..='z' | '0'..='9' | '.' | '_' => c,
        _ => '-',
    };
    let table: String = format!("{}.{}", table.schema, table.name)
        .chars()
        .map(plain)
        .collect();
    format!("ostler-{table}-{}-{operation}", partition.ident)
}

/// The statement that begins it.
pub(super) fn making(repository: &str, snapshot: &str, table: &TableName, partition: &Values) -> Bound {
    let (repository, snapshot) = (identifier(repository), identifier(snapshot));
    let places = [("repository", repository.as_str()), ("snapshot", &snapshot)];
    about_partition(
        include_str!("queries/make_snapshot.sql"),
        table,
        partition,
        &places,
    )
}

impl CrateDb {
    /// Makes it, and looks that it is whole; how many shards it has.
    pub(super) async fn keep_in_snapshot(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (table, partition): (&TableName, &Values),
        repository: &str,
        step: &Step,
    ) -> Result<u64, Failure> {
        let name = name(table, partition, &op.id().to_string());
        self.confirm_lease().await?;
        if self.snapshot(repository, &name).await?.is_some() {
            // What an earlier try of this very step left: of rows that may have been others, or not whole.
            let sql = fill(
                include_str!("queries/drop_snapshot.sql"),
                &[
                    ("repository", &identifier(repository)),
                    ("snapshot", &identifier(&name)),
                ],
            );
            self.client.execute(&sql, &[]).await?;
        }
        self.ask(&making(repository, &name, table, partition)).await?;
        loop {
            let Some(row) = self.snapshot(repository, &name).await? else {
                return Err(broken(item, "it is not there after it was made"));
            };
            match row.first().and_then(Value::as_str) {
                Some("IN_PROGRESS") => {
                    self.keep_lease().await?;
                    rest(PAUSE, step).await?;
                }
                Some("SUCCESS") => return whole(item, &row, table, partition),
                state => {
                    let failures = row.get(2).map(Value::to_string).unwrap_or_default();
                    return Err(broken(
                        item,
                        &format!("it is {}: {failures}", state.unwrap_or("of no state")),
                    ));
                }
            }
        }
    }

    async fn snapshot(&self, repository: &str, name: &str) -> Result<Option<Vec<Value>>, Failure> {
        let statement = include_str!("queries/snapshot.sql");
        let answer = self
            .client
            .execute(statement, &[repository.into(), name.into()])
            .await?;
        Ok(answer.rows.into_iter().next())
    }
}

fn broken(item: &RetentionItem, why: &str) -> Failure {
    Failure::new(
        ErrorKind::Corrupt,
        format!("the snapshot of {} cannot be relied on: {why}", item.table),
    )
}

/// How many shards a snapshot has, if it has all of the partition.
fn whole(item: &RetentionItem, row: &[Value], table: &TableName, partition: &Values) -> Result<u64, Failure> {
    let [_, shards, failures, partitions] = row else {
        return Err(broken(item, "it tells nothing"));
    };
    let failed = failures.as_array().is_some_and(|failures| !failures.is_empty());
    let wanted: Vec<Option<String>> = partition
        .values
        .iter()
        .map(|(_, value)| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
        .collect();
    let same = |it: &Value| {
        let values = it["values"].as_array().into_iter().flatten();
        let values: Vec<Option<String>> = values.map(|it| it.as_str().map(str::to_owned)).collect();
        it["table_schema"] == table.schema.as_str()
            && it["table_name"] == table.name.as_str()
            && values == wanted
    };
    let has = partitions.as_array().is_some_and(|all| all.iter().any(same));
    match shards.as_u64() {
        Some(shards) if shards > 0 && has && !failed => Ok(shards),
        _ if failed => Err(broken(item, &failures.to_string())),
        _ => Err(broken(item, "it does not have the partition")),
    }
}

#[cfg(test)]
mod tests {
    use super::name;
    use crate::facts::Values;
    use ostler_api::retention::TableName;

    #[test]
    fn names_of_snapshots_are_such_as_the_server_takes() {
        let table = TableName {
            schema: "Doc".into(),
            name: "My, #Table".into(),
        };
        let partition = Values {
            ident: "04732".into(),
            uuid: String::new(),
            values: vec![],
        };
        assert_eq!(name(&table, &partition, "ab"), "ostler-doc.my---table-04732-ab");
    }
}
