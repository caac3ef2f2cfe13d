//! `ostler retention policy check`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{ChoiceArguments, PlaceArguments};
use crate::session::Session;

/// Compare policies with the tables as they are
///
/// Says which cannot work (exit code 3), which are about the same table, and which would take more by the rule `start`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    choice: ChoiceArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Check {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Check {
            choice: self.choice.choice(),
        };
        ask(session, self.place, call).await
    }
}
