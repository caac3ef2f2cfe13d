//! `ostler retention policy show`

use clap::Args;
use ostler_api::retention::{PolicyChoice, RetentionAnswer, RetentionCall};
use ostler_vocabulary::Failure;

use crate::arguments::{PlaceArguments, text};
use crate::report;
use crate::session::Session;

/// Show a policy
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
        let choice = PolicyChoice {
            names: vec![self.name],
            ..PolicyChoice::default()
        };
        let client = session.client().await?;
        let answer = client
            .retention(&self.place.place(), RetentionCall::List { choice })
            .await?;
        match &answer {
            RetentionAnswer::Policies(list) => report::retention::show(session, list),
            other => report::retention::answer(session, other),
        }
    }
}
