//! `ostler schedule show`

use clap::Args;
use ostler_api::schedule::ScheduleCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Show a schedule, its next runs and its last ones
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// How many of the last runs
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: u32,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = ScheduleCall::Show {
            name: self.name,
            limit: self.limit,
        };
        ask(session, call).await
    }
}
