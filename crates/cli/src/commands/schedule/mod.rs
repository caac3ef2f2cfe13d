//! `ostler schedule`

mod add;
mod command;
mod edit;
mod list;
mod pause;
mod preview;
mod remove;
mod resume;
mod run;
mod run_due;
mod show;
mod units;

use clap::Subcommand;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::report;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    #[command(alias = "create")]
    Add(Box<add::Add>),
    List(list::List),
    Show(show::Show),
    Edit(Box<edit::Edit>),
    Pause(pause::Pause),
    Resume(resume::Resume),
    #[command(aliases = ["rm", "delete"])]
    Remove(remove::Remove),
    Run(run::Run),
    Preview(preview::Preview),
    RunDue(run_due::RunDue),
    Units(units::Units),
}

impl ScheduleCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Edit(verb) => verb.run(session).await,
            Self::Pause(verb) => verb.run(session).await,
            Self::Resume(verb) => verb.run(session).await,
            Self::Remove(verb) => verb.run(session).await,
            Self::Run(verb) => verb.run(session).await,
            Self::Preview(verb) => verb.run(session).await,
            Self::RunDue(verb) => verb.run(session).await,
            Self::Units(verb) => verb.run(session),
        }
    }
}

/// Calls, and prints what comes back.
async fn ask(session: &Session, call: ScheduleCall) -> Result<(), Failure> {
    let answer = session.client().await?.schedule(call).await?;
    report::schedule::answer(session, &answer)
}

/// An answer of another kind than the call has.
fn foreign(_: &ScheduleAnswer) -> Failure {
    Failure::new(ErrorKind::Internal, "the answer is not one to this call")
}
