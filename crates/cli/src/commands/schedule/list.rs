//! `ostler schedule list`

use clap::Args;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_vocabulary::{Failure, Span};

use super::foreign;
use crate::arguments::span;
use crate::report;
use crate::session::Session;

/// List schedules, when they run next, how they ran last, and whether somebody runs them
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Fail when nobody runs what is due (exit code 8), or when a run is overdue, was missed or did not end well (exit code 3)
    #[arg(long)]
    check: bool,

    /// With --check: how long ago the last beat may be; 2m if not given
    #[arg(long, value_name = "SPAN", value_parser = span, requires = "check")]
    silence: Option<Span>,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let answer = session.client().await?.schedule(ScheduleCall::List).await?;
        report::schedule::answer(session, &answer)?;
        let ScheduleAnswer::List(list) = &answer else {
            return Err(foreign(&answer));
        };
        match self.check {
            true => report::schedule::troubles(list, self.silence, session.now()).map_or(Ok(()), Err),
            false => Ok(()),
        }
    }
}
