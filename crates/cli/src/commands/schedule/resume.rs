//! `ostler schedule resume`

use clap::Args;
use ostler_api::schedule::ScheduleCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Let a schedule run again; what was due in between is not made up for
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Resume {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = ScheduleCall::Resume { name: self.name };
        ask(session, call).await
    }
}
