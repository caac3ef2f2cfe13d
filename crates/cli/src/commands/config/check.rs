//! `ostler config check`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Read the configuration and say what is wrong with it
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let check = session.backend.check_config()?;
        session.output.document(schema::CONFIG_CHECK, &check, |page| {
            report::config::check(page, &check)
        })
    }
}
