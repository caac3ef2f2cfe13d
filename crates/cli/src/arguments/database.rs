//! Which database is meant.

use clap::Args;
use ostler_api::queue::DatabaseChoice;

use super::text;

#[derive(Debug, Default, Args)]
pub(crate) struct DatabaseArguments {
    /// The database's name in the configuration; the only one there if not given
    #[arg(long, value_name = "NAME", value_parser = text(), conflicts_with = "dsn")]
    pub database: Option<String>,

    /// A connection string without a password, such as postgresql://user@host/database
    #[arg(long, value_name = "DSN", value_parser = text())]
    pub dsn: Option<String>,
}

impl DatabaseArguments {
    pub fn choice(self) -> DatabaseChoice {
        DatabaseChoice {
            name: self.database,
            dsn: self.dsn,
        }
    }
}
