//! `ostler schedule run-due`

use clap::Args;
use ostler_api::schedule::ScheduleCall;
use ostler_vocabulary::{ErrorKind, Failure};

use super::ask;
use crate::session::Session;

/// Run what is due and what was interrupted, wait for it, and end: for cron, instead of `ostler serve`
///
/// Both may be there: a run is begun once. The exit code is 0 when nothing was due, and else that of the run that ended
/// worst.
#[derive(Debug, Args)]
pub(crate) struct RunDue {}

impl RunDue {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut interrupts = session.interrupts.lock().await;
        tokio::select! {
            done = ask(session, ScheduleCall::RunDue) => done,
            Some(_) = interrupts.recv() => Err(Failure::new(
                ErrorKind::Cancelled,
                "what was due was left as it is",
            )
            .with_hint("the next `ostler schedule run-due`, or `ostler serve`, goes on with it")),
        }
    }
}
