//! Maintenance: rotation, vacuum where autovacuum is off, limits of dead consumers, and what queues ask for besides.
//!
//! The schema says what is due, as PgQ does: `pgq.maint_operations()` gives functions with an argument or none, and
//! `vacuum` with a table.

use ostler_postgres::{Connection, Error, Options, Target, Type, quote};
use ostler_vocabulary::Failure;

const OPERATIONS: &str = include_str!("ticker/queries/operations.sql");
/// A function that never says that it is done would run for ever.
const REPEATS: u32 = 10_000;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// A function's name, `vacuum` or `vacuum analyze`.
    pub function: String,
    /// Its argument.
    pub argument: Option<String>,
}

/// How it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    /// A statement as it is.
    Statement(String),
    /// A function, again until it returns 0.
    Call(String),
}

/// What a run did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Operations that were done.
    pub count: u64,
    /// What failed, with the messages of each.
    pub failures: Vec<String>,
}

/// What is due now.
///
/// # Errors
/// The database's.
pub async fn due(connection: &Connection) -> Result<Vec<Due>, Error> {
    let rows = connection.query(OPERATIONS, &[]).await?;
    let due = rows.iter().map(|row| Due {
        function: row.get(0),
        argument: row.get(1),
    });
    Ok(due.collect())
}

/// Does it, over a session of its own. What fails does not stop the rest.
pub async fn run(target: &Target, due: &[Due]) -> Done {
    let mut done = Done::default();
    let options = Options {
        application_name: Some("ostler ticker (maintenance)".to_owned()),
        statement_timeout: None,
    };
    let connection = match Connection::open(target, &options).await {
        Ok(connection) => connection,
        Err(error) => {
            done.failures.push(Failure::from(error).messages().join(": "));
            return done;
        }
    };
    for one in due {
        match perform(&connection, one).await {
            Ok(()) => done.count += 1,
            Err(error) => done.failures.push(Failure::from(error).messages().join(": ")),
        }
        if connection.is_closed() {
            break;
        }
    }
    connection.close().await;
    done
}

async fn perform(connection: &Connection, due: &Due) -> Result<(), Error> {
    match action(due) {
        Action::Statement(statement) => connection.batch(&statement).await,
        Action::Call(statement) => {
            for _ in 0..REPEATS {
                let rows = match &due.argument {
                    Some(argument) => connection.query(&statement, &[(argument, Type::TEXT)]).await?,
                    None => connection.query(&statement, &[]).await?,
                };
                let more: Option<Option<i64>> = rows.first().map(|row| row.get(0));
                if more.flatten().unwrap_or_default() == 0 {
                    break;
                }
            }
            Ok(())
        }
    }
}

/// How something is done.
fn action(due: &Due) -> Action {
    let name = due.function.trim().to_ascii_lowercase();
    if name == "vacuum" || name == "vacuum analyze" {
        let table = due.argument.as_deref().map(quote::qualified).unwrap_or_default();
        return Action::Statement(format!("{name} {table}"));
    }
    let function = match due.function.split_once('.') {
        Some((schema, function)) => format!("{}.{}", quote::identifier(schema), quote::identifier(function)),
        // As PgQ's own ticker does: found by the search path.
        None => quote::identifier(&due.function),
    };
    let parameter = if due.argument.is_some() { "$1" } else { "" };
    // Whatever whole number it returns, or nothing.
    Action::Call(format!(
        "SELECT pg_catalog.max(n::text::bigint) FROM (SELECT {function}({parameter}) AS n) AS called WHERE n::text ~ '^-?[0-9]+$'"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Action, Due, action};

    fn of(function: &str, argument: Option<&str>) -> Action {
        action(&Due {
            function: function.to_owned(),
            argument: argument.map(str::to_owned),
        })
    }

    #[test]
    fn tables_are_vacuumed_and_functions_called_with_their_argument() {
        assert_eq!(
            of("VACUUM", Some("pgq.tick")),
            Action::Statement("vacuum \"pgq\".\"tick\"".to_owned())
        );
        let Action::Call(text) = of("pgq.maint_rotate_tables_step1", Some("q")) else {
            panic!("a function is called")
        };
        assert!(
            text.contains("SELECT \"pgq\".\"maint_rotate_tables_step1\"($1) AS n"),
            "{text}"
        );
        let Action::Call(text) = of("evil(); drop table x; --", None) else {
            panic!("a function is called")
        };
        assert!(
            text.contains("SELECT \"evil(); drop table x; --\"() AS n"),
            "{text}"
        );
    }
}
