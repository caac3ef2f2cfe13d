//! `ostler rollup remove`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Remove a rollup and its view; the tables of its levels stay
///
/// A rollup that a policy names is not removed.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Remove the tables of its levels too, with all sums
    #[arg(long)]
    with_data: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Undefine {
            kind: DefinitionKind::Rollup,
            name: self.name,
            with_data: self.with_data,
        };
        ask(session, self.place, call).await
    }
}
