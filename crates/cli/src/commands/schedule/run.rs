//! `ostler schedule run`

use clap::Args;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_vocabulary::Failure;

use super::foreign;
use crate::arguments::text;
use crate::operate::follow;
use crate::report;
use crate::session::Session;

/// Run a schedule now, in this process, with its keep rules and push
///
/// When it is due next stays as it is. Exit codes are those of the command that it runs.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Run {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let client = session.client().await?;
        let answer = client.schedule(ScheduleCall::Run { name: self.name }).await?;
        let ScheduleAnswer::Firing(firing) = &answer else {
            return Err(foreign(&answer));
        };
        if let Some(operation) = firing.operation {
            follow(session, operation).await?;
        }
        let number = firing.number;
        let answer = client.schedule(ScheduleCall::Finish { number }).await?;
        report::schedule::answer(session, &answer)
    }
}
