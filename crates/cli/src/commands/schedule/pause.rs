//! `ostler schedule pause`

use clap::Args;
use ostler_api::schedule::ScheduleCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Let nothing of a schedule run until it is resumed
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Why, for whoever finds it later
    #[arg(long, value_name = "TEXT", value_parser = text())]
    reason: Option<String>,
}

impl Pause {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = ScheduleCall::Pause {
            name: self.name,
            reason: self.reason,
        };
        ask(session, call).await
    }
}
