//! `ostler rollup show`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Show a rollup in full
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Definitions {
            kind: DefinitionKind::Rollup,
            name: Some(self.name),
        };
        ask(session, self.place, call).await
    }
}
