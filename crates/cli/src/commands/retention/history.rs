//! `ostler retention history`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::PlaceArguments;
use crate::session::Session;

/// Show who changed and ran what, newest first, by the audit in the database
#[derive(Debug, Args)]
pub(crate) struct History {
    /// At most so many entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,

    #[command(flatten)]
    place: PlaceArguments,
}

impl History {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        ask(session, self.place, RetentionCall::History { limit: self.limit }).await
    }
}
