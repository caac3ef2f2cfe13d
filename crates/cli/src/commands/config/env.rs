//! `ostler config env`

use clap::Args;
use ostler_vocabulary::Failure;
use serde::Serialize;

use crate::backend::Variable;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// List the environment variables that are read
#[derive(Debug, Args)]
pub(crate) struct Env {}

/// `config env`
#[derive(Debug, Serialize)]
pub(crate) struct Variables {
    pub variables: Vec<Variable>,
}

impl Env {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let variables = Variables {
            variables: session.backend.variables(),
        };
        session.output.document(schema::CONFIG_ENV, &variables, |page| {
            report::config::variables(page, &variables.variables);
        })
    }
}
