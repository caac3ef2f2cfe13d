//! `ostler retention policy list`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{ChoiceArguments, PlaceArguments};
use crate::session::Session;

/// List policies
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    choice: ChoiceArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::List {
            choice: self.choice.choice(),
        };
        ask(session, self.place, call).await
    }
}
