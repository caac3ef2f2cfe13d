//! Questions in CQL, each to one node and no other.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ostler_vocabulary::Secret;
use scylla::client::PoolSize;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::host_filter::AllowListHostFilter;
use scylla::response::query_result::QueryResult;
use scylla::value::{CqlValue, Row as CqlRow};
use tokio::task::JoinSet;

use crate::Error;

/// How long connecting may take, and then each answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a change may take: a table is emptied when all nodes have flushed it.
const LONG: Duration = Duration::from_secs(180);

/// A row: its columns that have values, by name, as text.
pub(super) type Row = BTreeMap<String, String>;

/// Asks a node of a ring.
#[async_trait]
pub(super) trait Cql: fmt::Debug + Send + Sync {
    /// The rows of a statement that takes no values. The node answers itself, of its own tables.
    async fn ask(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error>;

    /// Runs a statement that changes something.
    async fn change(&self, address: &str, statement: &str) -> Result<(), Error>;

    /// Whether anything answers there.
    async fn answers(&self, address: &str) -> bool;
}

/// Over the native protocol.
#[derive(Debug, Clone)]
pub(super) struct Native {
    pub(super) user: Option<(String, Secret)>,
}

impl Native {
    async fn connect(&self, address: &str) -> Result<Session, Error> {
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| Error::Unreachable {
            address: address.to_owned(),
            source,
        };
        let found = tokio::net::lookup_host(address)
            .await
            .map_err(|error| unreachable(error.into()))?
            .collect::<Vec<_>>();
        // Only this node is asked; what the others say is asked of them.
        let only =
            AllowListHostFilter::new(found.iter().copied()).map_err(|error| unreachable(error.into()))?;
        let profile = ExecutionProfile::builder()
            .request_timeout(Some(LONG))
            .build()
            .into_handle();
        let mut builder = SessionBuilder::new()
            .known_nodes_addr(found)
            .default_execution_profile_handle(profile)
            .host_filter(Arc::new(only))
            .connection_timeout(PATIENCE)
            .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
            .fetch_schema_metadata(false)
            .fetch_full_schema_metadata(false)
            .disallow_shard_aware_port(true);
        if let Some((user, password)) = &self.user {
            builder = builder.user(user, password.reveal());
        }
        match tokio::time::timeout(PATIENCE, builder.build()).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error)) => Err(unreachable(error.into())),
            Err(_) => Err(unreachable("it said nothing in time".into())),
        }
    }

    /// Asks in a task of its own: the driver's calls go so deep that little stack may be left of that of an operation.
    async fn answer(&self, address: &str, statement: &str, within: Duration) -> Result<QueryResult, Error> {
        let (native, to, text) = (self.clone(), address.to_owned(), statement.to_owned());
        let mut asking = JoinSet::new();
        asking.spawn(async move { native.answer_here(&to, &text, within).await });
        match asking.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Err(wrong(address, statement, error.into())),
            None => Err(wrong(address, statement, "nobody asked".into())),
        }
    }

    async fn answer_here(
        &self,
        address: &str,
        statement: &str,
        within: Duration,
    ) -> Result<QueryResult, Error> {
        let session = self.connect(address).await?;
        let asked = tokio::time::timeout(within, session.query_unpaged(statement, ()));
        match asked.await {
            Ok(result) => result.map_err(|error| wrong(address, statement, error.into())),
            Err(_) => Err(wrong(address, statement, "it said nothing in time".into())),
        }
    }
}

fn wrong(address: &str, statement: &str, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Query {
        address: address.to_owned(),
        statement: head(statement),
        source,
    }
}

/// The beginning of a statement, for errors.
pub(super) fn head(statement: &str) -> String {
    statement.chars().take(60).collect()
}

#[async_trait]
impl Cql for Native {
    async fn ask(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error> {
        let result = self.answer(address, statement, PATIENCE).await?;
        let wrong = |source: Box<dyn std::error::Error + Send + Sync>| wrong(address, statement, source);
        let result = result.into_rows_result().map_err(|error| wrong(error.into()))?;
        let names: Vec<String> = result
            .column_specs()
            .iter()
            .map(|spec| spec.name().to_owned())
            .collect();
        let mut rows = Vec::new();
        for row in result.rows::<CqlRow>().map_err(|error| wrong(error.into()))? {
            let row = row.map_err(|error| wrong(error.into()))?;
            let values = names.iter().cloned().zip(row.columns);
            rows.push(
                values
                    .filter_map(|(name, value)| Some((name, text(&value?))))
                    .collect(),
            );
        }
        Ok(rows)
    }

    async fn change(&self, address: &str, statement: &str) -> Result<(), Error> {
        self.answer(address, statement, LONG).await.map(|_| ())
    }

    async fn answers(&self, address: &str) -> bool {
        let connecting = tokio::net::TcpStream::connect(address);
        matches!(tokio::time::timeout(PATIENCE, connecting).await, Ok(Ok(_)))
    }
}

/// A value as text; members of collections in order, with spaces between them.
fn text(value: &CqlValue) -> String {
    match value {
        CqlValue::Ascii(text) | CqlValue::Text(text) => text.clone(),
        CqlValue::Uuid(id) => id.to_string(),
        CqlValue::Timeuuid(id) => id.to_string(),
        CqlValue::Inet(address) => address.to_string(),
        CqlValue::Set(members) | CqlValue::List(members) => {
            let mut members: Vec<String> = members.iter().map(text).collect();
            members.sort();
            members.join(" ")
        }
        other => other.to_string(),
    }
}
