//! `ostler rollup list`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::PlaceArguments;
use crate::session::Session;

/// List rollups, and how far their levels are
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: PlaceArguments,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Definitions {
            kind: DefinitionKind::Rollup,
            name: None,
        };
        ask(session, self.place, call).await
    }
}
