//! `ostler schedule remove`

use clap::Args;
use ostler_api::schedule::ScheduleCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Remove a schedule and the record of its runs; what they made stays
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = ScheduleCall::Remove { name: self.name };
        ask(session, call).await
    }
}
