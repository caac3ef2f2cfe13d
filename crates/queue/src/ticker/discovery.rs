//! Which databases a server has.

use ostler_postgres::{Connection, Error, Options};

use super::{Databases, Server};

/// The databases that shall have a ticker now, by name.
pub(super) async fn databases(server: &Server, options: &Options) -> Result<Vec<String>, Error> {
    match &server.databases {
        Databases::One => Ok(vec![server.target.database.clone()]),
        Databases::Named(names) => Ok(names.clone()),
        Databases::All => {
            const STATEMENT: &str = include_str!("queries/databases.sql");
            let connection = Connection::open(&server.target, options).await?;
            let rows = connection.query(STATEMENT, &[]).await?;
            connection.close().await;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        }
    }
}
