//! `ostler config check`

use clap::Args;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Read the configuration and say what is wrong with it
///
/// With `--connect` exit code 8 when something does not answer.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Ask everything that it names for an answer: the state, vaults, databases, nodes of clusters
    #[arg(long)]
    connect: bool,
}

impl Check {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self.connect {
            true => connect(session).await,
            false => read(session),
        }
    }
}

fn read(session: &Session) -> Result<(), Failure> {
    let check = session.backend.check_config()?;
    session.output.document(schema::CONFIG_CHECK, &check, |page| {
        report::config::check(page, &check)
    })
}

async fn connect(session: &Session) -> Result<(), Failure> {
    let list = session.client().await?.connections().await?;
    session.output.document(schema::CONNECTION_LIST, &list, |page| {
        report::config::connections(page, &list);
    })?;
    let silent = list.connections.iter().filter(|one| !one.ok);
    let silent: Vec<String> = silent
        .map(|one| format!("{} {}", one.kind.as_str(), one.name))
        .collect();
    match silent.as_slice() {
        [] => Ok(()),
        silent => Err(Failure::new(
            ErrorKind::Unavailable,
            format!("not as it should be: {}", silent.join(", ")),
        )),
    }
}
