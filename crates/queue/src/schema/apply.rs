//! Doing what a plan says.

use std::time::Duration;

use ostler_postgres::Connection;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::installed::{Installed, inspect};
use super::{Basis, Error, Plan};

/// How often it is begun anew when others held locks, or had to wait for ours.
const ATTEMPTS: u32 = 10;
/// How long a statement waits for a lock; everybody who comes later waits behind it.
const SETTINGS: &str = "set local lock_timeout = '3s'; set local client_min_messages = warning; set local search_path = pg_catalog;";
/// Held to the end, so that two installations do not meet.
const ALONE: &str = "select pg_catalog.pg_advisory_xact_lock(1885827445)";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// How many steps.
    pub steps: usize,
    /// What the database has now: the proof.
    pub installed: Installed,
}

/// Does it all in one transaction, or nothing; begins anew when locks cannot be had. Then looks again.
///
/// # Errors
/// [`Error::Changed`] when the database is not what the plan was made for; [`Error::Step`].
pub async fn apply(connection: &mut Connection, plan: &Plan) -> Result<Applied, Error> {
    let mut attempt = 1;
    loop {
        match once(connection, plan).await {
            Err(error) if attempt < ATTEMPTS && is_contention(&error) => {
                sleep(Duration::from_millis(100) * attempt).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    Ok(Applied {
        steps: plan.steps.len(),
        installed: inspect(connection).await?,
    })
}

async fn once(connection: &mut Connection, plan: &Plan) -> Result<(), Error> {
    let failed = |step: &str| {
        let step = step.to_owned();
        move |source| Error::Step { step, source }
    };
    let basis = Basis::of(&inspect(connection).await?);
    if basis != plan.basis {
        return Err(Error::Changed {
            what: difference(&plan.basis, &basis),
        });
    }
    let transaction = connection.transaction().await.map_err(failed("begin"))?;
    transaction.batch(SETTINGS).await.map_err(failed("settings"))?;
    transaction
        .batch(ALONE)
        .await
        .map_err(failed("waiting for another installation"))?;
    for step in &plan.steps {
        transaction.batch(&step.sql).await.map_err(failed(&step.reason))?;
    }
    transaction.commit().await.map_err(failed("commit"))
}

fn is_contention(error: &Error) -> bool {
    match error {
        Error::Step { source, .. } => matches!(source.sqlstate(), Some("55P03" | "40P01" | "40001")),
        _ => false,
    }
}

fn difference(planned: &Basis, found: &Basis) -> String {
    if planned.version == found.version {
        format!(
            "extensions were {:?} and are {:?}",
            planned.extensions, found.extensions
        )
    } else {
        format!("the version was {:?} and is {:?}", planned.version, found.version)
    }
}
