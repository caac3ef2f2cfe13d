//! Where the shards of a table's partitions are, by `sys.shards` and `sys.nodes`: nothing else tells it. Shards that no node may
//! take stay where they are, and the cluster's health stays green.

use ostler_api::retention::{Policy, Strategy, TableName};
use ostler_vocabulary::Failure;
use serde_json::Value;

use super::CrateDb;
use crate::facts::{Attributes, Table, Whereabouts};

impl CrateDb {
    pub(super) async fn look_for(&self, mut facts: Table, policy: &Policy) -> Result<Table, Failure> {
        match policy.strategy {
            Strategy::Reallocate => facts.whereabouts = self.whereabouts(&facts.table).await?,
            Strategy::Snapshot => {
                let statement = include_str!("queries/repositories.sql");
                let answer = self.client.execute(statement, &[]).await?;
                let names = answer.rows.iter().filter_map(|row| row.first()?.as_str());
                facts.repositories = names.map(str::to_owned).collect();
            }
            _ => {}
        }
        Ok(facts)
    }

    pub(super) async fn whereabouts(&self, table: &TableName) -> Result<Whereabouts, Failure> {
        let names = [Value::from(table.schema.clone()), Value::from(table.name.clone())];
        let mut found = Whereabouts::default();
        for row in self
            .client
            .execute(include_str!("queries/nodes.sql"), &[])
            .await?
            .rows
        {
            let [Value::String(id), has] = row.as_slice() else {
                continue;
            };
            found.nodes.insert(id.clone(), attributes(has));
        }
        let required = self
            .client
            .execute(include_str!("queries/required.sql"), &names)
            .await?;
        for row in required.rows {
            let [Value::String(ident), has] = row.as_slice() else {
                continue;
            };
            found.partitions.entry(ident.clone()).or_default().required = attributes(has);
        }
        let places = self
            .client
            .execute(include_str!("queries/places.sql"), &names)
            .await?;
        for row in places.rows {
            let [Value::String(ident), state, node, relocating] = row.as_slice() else {
                continue;
            };
            let settled = state.as_str() == Some("STARTED") && relocating.is_null();
            let node = node.as_str().filter(|_| settled).map(str::to_owned);
            found
                .partitions
                .entry(ident.clone())
                .or_default()
                .shards
                .push(node);
        }
        Ok(found)
    }
}

fn attributes(value: &Value) -> Attributes {
    let fields = value.as_object().into_iter().flatten();
    fields
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
