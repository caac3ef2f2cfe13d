//! `ostler materialize create`

use clap::Args;
use ostler_api::retention::{RetentionCall, TableName};
use ostler_api::tables::{Definition, Materialized};
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Make a table that has the rows of a query
///
/// It has none until `ostler materialize refresh NAME`. Indexes, keys, comments and rights that it is given stay through refreshes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name; also that of the table, in the schema `public`, if `--table` is not given
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// The query, such as `SELECT host, count(*) AS readings FROM readings GROUP BY host`
    #[arg(value_name = "QUERY", value_parser = text())]
    query: String,

    /// The table
    #[arg(long, value_name = "TABLE", value_parser = table)]
    table: Option<TableName>,

    /// A column of its rows that tells the time, by which a part of it can be made anew
    #[arg(long, value_name = "COLUMN", value_parser = text())]
    column: Option<String>,

    #[command(flatten)]
    place: PlaceArguments,
}

fn table(text: &str) -> Result<TableName, String> {
    text.parse::<TableName>().map_err(|error| error.to_string())
}

impl Create {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let materialized = Materialized {
            table: self.table.unwrap_or_else(|| TableName::in_public(&self.name)),
            query: self.query.trim().trim_end_matches(';').to_owned(),
            column: self.column,
        };
        let call = RetentionCall::Define {
            name: self.name,
            definition: Definition::Materialized(materialized),
        };
        ask(session, self.place, call).await
    }
}
