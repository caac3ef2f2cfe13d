//! `list` and `show` of what is called by a name: rollups, materialised tables, statements.

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::retention::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// List them all
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: PlaceArguments,
}

impl List {
    pub async fn run(self, session: &Session, kind: DefinitionKind) -> Result<(), Failure> {
        ask(
            session,
            self.place,
            RetentionCall::Definitions { kind, name: None },
        )
        .await
    }
}

/// Show one in full
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Show {
    pub async fn run(self, session: &Session, kind: DefinitionKind) -> Result<(), Failure> {
        let name = Some(self.name);
        ask(session, self.place, RetentionCall::Definitions { kind, name }).await
    }
}
