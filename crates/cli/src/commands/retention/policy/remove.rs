//! `ostler retention policy remove`

use clap::Args;
use ostler_api::retention::{PolicyChoice, RetentionCall};
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Remove policies; the data stays
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Remove {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    names: Vec<String>,

    /// All with all these tags
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = text())]
    tags: Vec<String>,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let choice = PolicyChoice {
            names: self.names,
            tags: self.tags.into_iter().collect(),
        };
        ask(session, self.place, RetentionCall::Remove { choice }).await
    }
}
