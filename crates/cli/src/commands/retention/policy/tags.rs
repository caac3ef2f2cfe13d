//! `ostler retention policy tags`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::PlaceArguments;
use crate::session::Session;

/// List the tags of policies
#[derive(Debug, Args)]
pub(crate) struct Tags {
    #[command(flatten)]
    place: PlaceArguments,
}

impl Tags {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        ask(session, self.place, RetentionCall::Tags).await
    }
}
