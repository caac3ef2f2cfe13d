//! What a database has of the queue.

use std::collections::BTreeMap;

use ostler_postgres::Connection;
use serde::{Deserialize, Serialize};

use super::Error;

/// What a database has, as far as a plan depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// `server_version_num`, as in 150020.
    pub server: i32,
    /// Who is connected.
    pub user: String,
    /// Whether they may make schemas here.
    pub may_create: bool,
    /// Whether they may make roles.
    pub may_create_roles: bool,
    /// Which of `pgq_reader`, `pgq_writer` and `pgq_admin` exist.
    pub roles: Vec<String>,
    /// The newest migration that was applied; `None` when this schema is not ours (yet).
    pub version: Option<u32>,
    /// Which of the four schemas exist.
    pub schemas: Vec<Schema>,
    /// The extensions of the family and whatever needs one of them, the needy ones first.
    pub extensions: Vec<Extension>,
    /// Functions of the four schemas by name and types of arguments, as in `pgq.next_batch(text, text)`.
    pub functions: BTreeMap<String, Signature>,
    /// How many queues there are; `None` when there is no table of them.
    pub queues: Option<i64>,
    /// Triggers of other schemas' tables that write into queues.
    pub triggers: Vec<String>,
    /// Whether ticks are of a server that has had more transactions: the database came from a dump.
    pub ahead: bool,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Whether the connected user has the owner's rights.
    pub owned: bool,
}

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whose it is.
    pub owner: String,
    /// Whether the connected user has the owner's rights.
    pub owned: bool,
    /// What belongs to it, as in `function pgq.version()`.
    pub members: Vec<String>,
}

/// A function's arguments and result, as the server shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// All arguments with names.
    pub arguments: String,
    /// The result.
    pub result: String,
}

/// Looks at a database. Changes nothing.
///
/// # Errors
/// [`Error::Inspect`].
pub async fn inspect(connection: &Connection) -> Result<Installed, Error> {
    look(connection).await.map_err(Error::Inspect)
}

async fn look(connection: &Connection) -> Result<Installed, ostler_postgres::Error> {
    let statement = include_str!("sql/facts.sql");
    let facts = connection.one(statement, &[]).await?;
    let bad = |source| connection.failed(statement, source);
    let mut installed = Installed {
        server: facts.try_get(0).map_err(bad)?,
        user: facts.try_get(1).map_err(bad)?,
        may_create: facts.try_get(2).map_err(bad)?,
        may_create_roles: facts.try_get(3).map_err(bad)?,
        roles: facts.try_get(4).map_err(bad)?,
        ..Installed::default()
    };
    if facts.try_get(5).map_err(bad)? {
        let version: i32 = single(connection, include_str!("sql/version.sql")).await?;
        installed.version = u32::try_from(version).ok();
    }
    if facts.try_get(6).map_err(bad)? {
        installed.queues = Some(single(connection, include_str!("sql/queues.sql")).await?);
    }
    if facts.try_get(7).map_err(bad)? {
        installed.ahead = single(connection, include_str!("sql/ahead.sql")).await?;
    }

    let statement = include_str!("sql/schemas.sql");
    let bad = |source| connection.failed(statement, source);
    for row in connection.query(statement, &[]).await? {
        installed.schemas.push(Schema {
            name: row.try_get(0).map_err(bad)?,
            owner: row.try_get(1).map_err(bad)?,
            owned: row.try_get(2).map_err(bad)?,
        });
    }
    let statement = include_str!("sql/extensions.sql");
    let bad = |source| connection.failed(statement, source);
    for row in connection.query(statement, &[]).await? {
        installed.extensions.push(Extension {
            name: row.try_get(0).map_err(bad)?,
            version: row.try_get(1).map_err(bad)?,
            owner: row.try_get(2).map_err(bad)?,
            owned: row.try_get(3).map_err(bad)?,
            members: row.try_get(4).map_err(bad)?,
        });
    }
    let statement = include_str!("sql/functions.sql");
    let bad = |source| connection.failed(statement, source);
    for row in connection.query(statement, &[]).await? {
        let signature = Signature {
            arguments: row.try_get(1).map_err(bad)?,
            result: row.try_get(2).map_err(bad)?,
        };
        installed
            .functions
            .insert(row.try_get(0).map_err(bad)?, signature);
    }
    let statement = include_str!("sql/triggers.sql");
    let bad = |source| connection.failed(statement, source);
    for row in connection.query(statement, &[]).await? {
        installed.triggers.push(row.try_get(0).map_err(bad)?);
    }
    Ok(installed)
}

async fn single<T>(connection: &Connection, statement: &str) -> Result<T, ostler_postgres::Error>
where
    T: for<'a> ostler_postgres::FromSql<'a>,
{
    let row = connection.one(statement, &[]).await?;
    row.try_get(0)
        .map_err(|source| connection.failed(statement, source))
}
