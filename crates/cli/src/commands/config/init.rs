//! `ostler config init`

use clap::Args;
use ostler_vocabulary::Failure;
use serde::Serialize;

use crate::output::schema;
use crate::session::Session;

/// Print a configuration file with every key, its default and a comment
///
/// For instance: `ostler config init > ~/.config/ostler/config.toml`.
#[derive(Debug, Args)]
pub(crate) struct Init {}

/// `config init`
#[derive(Debug, Serialize)]
pub(crate) struct Template {
    pub toml: String,
}

impl Init {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let template = Template {
            toml: session.backend.config_template(),
        };
        session
            .output
            .document(schema::CONFIG_TEMPLATE, &template, |page| {
                page.verbatim(&template.toml)
            })
    }
}
