//! Questions in CQL, each to one node and no other.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use ostler_vocabulary::Secret;
use scylla_cql::frame::response::error::DbError;
use scylla_cql::frame::response::result::DeserializedMetadataAndRawRows;
use scylla_cql::value::{CqlValue, Row as CqlRow};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::native::{Connection, Fault};
use super::tls::{self, Tls};
use crate::Error;

/// How long connecting may take, and then each answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a change may take: a table is emptied when all nodes have flushed it.
const LONG: Duration = Duration::from_secs(180);

const LATE: &str = "it said nothing in time";

/// A row: its columns that have values, by name, as text.
pub(super) type Row = BTreeMap<String, String>;

/// Asks a node of a ring.
#[async_trait]
pub(super) trait Cql: fmt::Debug + Send + Sync {
    /// The rows of a statement that takes no values. The node answers itself, of its own tables.
    async fn ask(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error>;

    /// The same of a statement that may take minutes.
    async fn ask_patiently(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error> {
        self.ask(address, statement).await
    }

    /// Runs a statement that changes something.
    async fn change(&self, address: &str, statement: &str) -> Result<(), Error>;

    /// Whether anything answers there.
    async fn answers(&self, address: &str) -> bool;
}

/// Over the native protocol.
#[derive(Debug, Clone)]
pub(super) struct Native {
    pub(super) user: Option<(String, Secret)>,
    /// How TLS is spoken; `None` where it is not.
    pub(super) tls: Option<Tls>,
}

impl Native {
    /// A connection that was let in. Every question has one of its own: there are few, and a node may restart between two.
    async fn connect(&self, address: &str) -> Result<Connection, Error> {
        let entered = timeout(PATIENCE, self.enter(address)).await;
        entered.unwrap_or_else(|_| Err(unreachable(address, LATE.into())))
    }

    async fn enter(&self, address: &str) -> Result<Connection, Error> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| unreachable(address, error.into()))?;
        let _ = stream.set_nodelay(true);
        let user = self.user.as_ref();
        let Some(tls) = &self.tls else {
            return match Connection::open(Box::new(stream), user).await {
                Err(Fault::Broken(_) | Fault::Garbled(_)) if tls::is_spoken_at(address).await => {
                    Err(tls::is_needed(address))
                }
                opened => opened.map_err(|fault| not_opened(address, fault)),
            };
        };
        let stream = Box::new(tls.begin(address, stream).await?);
        match Connection::open(stream, user).await {
            // Who is not believed is told so after the keys are agreed on, or just not answered.
            Err(Fault::Broken(error)) => Err(tls.broken(address, error)),
            opened => opened.map_err(|fault| not_opened(address, fault)),
        }
    }

    async fn answer(
        &self,
        address: &str,
        statement: &str,
        within: Duration,
    ) -> Result<Option<DeserializedMetadataAndRawRows>, Error> {
        let mut connection = self.connect(address).await?;
        match timeout(within, connection.query(statement)).await {
            Ok(answer) => answer.map_err(|fault| match fault {
                // The process ended, or the network did: that is no answer.
                Fault::Broken(_) => unreachable(address, fault.into()),
                Fault::Refused {
                    kind: DbError::Unauthorized,
                    reason,
                } => Error::Denied {
                    address: address.to_owned(),
                    what: format!("`{}`", head(statement)),
                    reason,
                },
                fault => wrong(address, statement, fault.into()),
            }),
            Err(_) => Err(wrong(address, statement, LATE.into())),
        }
    }
}

/// Why a connection was not opened: the role is refused, or nobody answers.
fn not_opened(address: &str, fault: Fault) -> Error {
    match fault {
        Fault::Refused {
            kind: DbError::AuthenticationError,
            reason,
        } => Error::Denied {
            address: address.to_owned(),
            what: "to let the role in".to_owned(),
            reason,
        },
        Fault::Nobody => Error::Denied {
            address: address.to_owned(),
            what: "to let anybody in without a password".to_owned(),
            reason: "no role is configured".to_owned(),
        },
        fault => unreachable(address, fault.into()),
    }
}

fn unreachable(address: &str, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Unreachable {
        address: address.to_owned(),
        source,
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

impl Native {
    async fn rows(&self, address: &str, statement: &str, within: Duration) -> Result<Vec<Row>, Error> {
        let Some(answer) = self.answer(address, statement, within).await? else {
            return Ok(Vec::new());
        };
        let wrong = |source: Box<dyn std::error::Error + Send + Sync>| wrong(address, statement, source);
        let names: Vec<String> = answer
            .metadata()
            .col_specs()
            .iter()
            .map(|spec| spec.name().to_owned())
            .collect();
        let mut rows = Vec::new();
        for row in answer
            .rows_iter::<CqlRow>()
            .map_err(|error| wrong(error.into()))?
        {
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
}

#[async_trait]
impl Cql for Native {
    async fn ask(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error> {
        self.rows(address, statement, PATIENCE).await
    }

    async fn ask_patiently(&self, address: &str, statement: &str) -> Result<Vec<Row>, Error> {
        self.rows(address, statement, LONG).await
    }

    async fn change(&self, address: &str, statement: &str) -> Result<(), Error> {
        self.answer(address, statement, LONG).await.map(|_| ())
    }

    async fn answers(&self, address: &str) -> bool {
        let connecting = TcpStream::connect(address);
        matches!(timeout(PATIENCE, connecting).await, Ok(Ok(_)))
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
        CqlValue::Map(members) => {
            let member = |(key, value): &(CqlValue, CqlValue)| format!("{}={}", text(key), text(value));
            let mut members: Vec<String> = members.iter().map(member).collect();
            members.sort();
            members.join(" ")
        }
        other => other.to_string(),
    }
}
