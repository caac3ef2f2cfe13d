//! `ostler query remove`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Forget a statement
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Undefine {
            kind: DefinitionKind::Query,
            name: self.name,
            with_data: false,
        };
        ask(session, self.place, call).await
    }
}
