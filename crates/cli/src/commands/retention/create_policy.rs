//! `ostler retention create-policy`, in the words of CrateDB Toolkit

use clap::Args;
use ostler_api::retention::{PolicyChange, PolicyWish, RetentionCall, Strategy, TableName};
use ostler_vocabulary::{ErrorKind, Failure, Period};

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Add a policy, in the words of CrateDB Toolkit
///
/// `ostler retention add` says the same in one line, and more. `delete` removes whole partitions of a table that is partitioned by the column,
/// and rows of others.
#[derive(Debug, Args)]
pub(crate) struct CreatePolicy {
    /// What is done
    #[arg(long, value_name = "STRATEGY", value_parser = text())]
    strategy: String,

    /// By which policies are chosen
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = text())]
    tags: Vec<String>,

    /// The table's schema
    #[arg(long, value_name = "SCHEMA", default_value = "public", value_parser = text())]
    table_schema: String,

    /// The table's name
    #[arg(long, value_name = "NAME", value_parser = text())]
    table_name: String,

    /// The column that tells the time
    #[arg(long, value_name = "COLUMN", value_parser = text())]
    partition_column: String,

    /// For how many days rows are kept
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..))]
    retention_period: i32,

    /// reallocate: the attribute of nodes
    #[arg(long, value_name = "NAME", value_parser = text(), requires = "reallocation_attribute_value")]
    reallocation_attribute_name: Option<String>,

    /// reallocate: its value
    #[arg(long, value_name = "VALUE", value_parser = text(), requires = "reallocation_attribute_name")]
    reallocation_attribute_value: Option<String>,

    /// snapshot: the repository
    #[arg(long, value_name = "NAME", value_parser = text())]
    target_repository_name: Option<String>,

    #[command(flatten)]
    place: PlaceArguments,
}

impl CreatePolicy {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let strategy = strategy(&self.strategy)?;
        let attribute = self
            .reallocation_attribute_name
            .zip(self.reallocation_attribute_value);
        let target = match strategy {
            Some(Strategy::Reallocate) => attribute.map(|(name, value)| format!("{name}={value}")),
            Some(Strategy::Snapshot) => self.target_repository_name,
            _ => None,
        };
        let wish = PolicyWish {
            name: None,
            strategy,
            table: TableName {
                schema: self.table_schema,
                name: self.table_name,
            },
            column: Some(self.partition_column),
            keep: Period::days(self.retention_period),
            change: PolicyChange {
                tags: self.tags.into_iter().collect(),
                target,
                ..PolicyChange::default()
            },
        };
        ask(session, self.place, RetentionCall::Add { wish, replace: false }).await
    }
}

/// Their `delete` removes partitions; ours is rows. Which it is, follows from the table.
fn strategy(word: &str) -> Result<Option<Strategy>, Failure> {
    match (word.to_ascii_lowercase().as_str(), Strategy::named(word)) {
        ("delete", _) => Ok(None),
        (_, Some(strategy @ (Strategy::Reallocate | Strategy::Snapshot))) => Ok(Some(strategy)),
        (_, Some(strategy)) if !strategy.has_target() => Ok(Some(strategy)),
        (word, _) => Err(Failure::new(
            ErrorKind::Unsupported,
            format!("strategy `{word}` cannot be said this way"),
        )
        .with_hint("`ostler retention add` has all strategies")),
    }
}
