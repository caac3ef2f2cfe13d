//! Triggers that write events of a table: what `install-trigger` and `upgrade` run. The generator is in the database
//! (`sql/triggers/`), because tables change without us.

use std::fmt;

use ostler_postgres::{Connection, Error, Parameter, Type};

/// What events look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows urlencoded.
    Logutriga,
    /// Rows as JSON.
    Jsontriga,
    /// Parts of SQL statements.
    Sqltriga,
}

impl Kind {
    /// The name of PgQ's function.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logutriga => "logutriga",
            Self::Jsontriga => "jsontriga",
            Self::Sqltriga => "sqltriga",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For each row.
    Each,
    /// For each statement, over transition tables: a third of the cost for many rows, twice for one.
    Bulk,
}

/// A trigger that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The table, as in SQL.
    pub table: String,
    /// The trigger's name.
    pub name: String,
    /// What events look like.
    pub kind: Kind,
    /// Where they go.
    pub queue: String,
    /// PgQ's arguments: `ignore=a,b`, `pkey=a`, `backup`, `SKIP`, `deny`, `when=…`, `ev_extra3=…`.
    pub arguments: Vec<String>,
    /// `None`: the cheaper one for many rows that the table and the arguments allow.
    pub style: Option<Style>,
    /// Whether TRUNCATE of the table, and of its partitions, is an event too.
    pub truncate: bool,
}

/// The statements that make it, in order, for the owner of the table. Asks the database; changes nothing.
///
/// # Errors
/// The server's: no such table, or arguments that say nothing.
pub async fn plan(connection: &Connection, wanted: &Trigger) -> Result<Vec<String>, Error> {
    let mut arguments = vec![wanted.queue.clone()];
    arguments.extend(wanted.arguments.iter().cloned());
    let style = wanted.style.map(|style| match style {
        Style::Each => "each",
        Style::Bulk => "bulk",
    });
    let names: [Parameter<'_>; 4] = [
        (&wanted.table, Type::TEXT),
        (&wanted.name, Type::TEXT),
        (&wanted.kind.as_str(), Type::TEXT),
        (&arguments, Type::TEXT_ARRAY),
    ];
    let mut statements = Vec::new();
    for (statement, last) in [
        (include_str!("sql/plan.sql"), (&style as _, Type::TEXT)),
        (
            include_str!("sql/truncate.sql"),
            (&wanted.truncate as _, Type::BOOL),
        ),
    ] {
        let parameters: Vec<Parameter<'_>> = names.iter().cloned().chain([last]).collect();
        for row in connection.query(statement, &parameters).await? {
            let read = row.try_get(0);
            statements.push(read.map_err(|source| connection.failed(statement, source))?);
        }
    }
    Ok(statements)
}

/// A statement that belongs to a trigger of PgQ's own functions, and makes a generated one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The table, as in SQL.
    pub table: String,
    /// The trigger.
    pub name: String,
    /// To be run by the table's owner, in this order.
    pub statement: String,
}

/// What would put generated triggers in the place of existing ones. Changes nothing.
///
/// # Errors
/// The server's.
pub async fn plan_upgrade(connection: &Connection) -> Result<Vec<Replacement>, Error> {
    let statement = include_str!("sql/upgrade.sql");
    let bad = |source| connection.failed(statement, source);
    let mut replacements = Vec::new();
    for row in connection.query(statement, &[]).await? {
        replacements.push(Replacement {
            table: row.try_get(0).map_err(bad)?,
            name: row.try_get(1).map_err(bad)?,
            statement: row.try_get(2).map_err(bad)?,
        });
    }
    Ok(replacements)
}
