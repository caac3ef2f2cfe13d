//! `ostler config show`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Show the configuration as it results from defaults, file, environment and flags
///
/// Secrets show where they come from, never what they are.
#[derive(Debug, Args)]
pub(crate) struct Show {}

impl Show {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let show = session.backend.show_config()?;
        session
            .output
            .document(schema::CONFIG, &show, |page| report::config::show(page, &show))
    }
}
