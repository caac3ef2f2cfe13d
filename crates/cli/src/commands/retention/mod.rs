//! `ostler retention`

mod add;
mod certificate;
mod create_policy;
mod erase;
mod history;
mod plan;
mod policy;
mod run;
mod short;
mod ttl;
mod undo;

use clap::Subcommand;
use ostler_api::Request;
use ostler_api::retention::RetentionCall;
use ostler_vocabulary::Failure;

use super::not_scheduled;
use crate::arguments::PlaceArguments;
use crate::operate::Approval;
use crate::report;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    Add(Box<add::Add>),
    #[command(alias = "set-ttl")]
    Ttl(ttl::Ttl),
    /// Look at policies, add, change and remove them
    #[command(subcommand, arg_required_else_help = true)]
    Policy(Box<policy::PolicyCommand>),
    Plan(Box<plan::Plan>),
    Run(Box<run::Run>),
    Undo(Box<undo::Undo>),
    Erase(Box<erase::Erase>),
    Certificate(certificate::Certificate),
    History(history::History),
    #[command(hide = true)]
    CreatePolicy(create_policy::CreatePolicy),
    #[command(hide = true, alias = "list")]
    ListPolicies(policy::List),
    #[command(hide = true)]
    ListTags(policy::Tags),
    #[command(hide = true, aliases = ["rm", "del"])]
    DeletePolicy(policy::Remove),
}

impl RetentionCommand {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Run(verb) => verb.wish(),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::Ttl(verb) => verb.run(session).await,
            Self::Policy(verb) => verb.run(session).await,
            Self::Plan(verb) => verb.run(session).await,
            Self::Run(verb) => verb.run(session).await,
            Self::Undo(verb) => verb.run(session).await,
            Self::Erase(verb) => verb.run(session).await,
            Self::Certificate(verb) => verb.run(session).await,
            Self::History(verb) => verb.run(session).await,
            Self::CreatePolicy(verb) => verb.run(session).await,
            Self::ListPolicies(verb) => verb.run(session).await,
            Self::ListTags(verb) => verb.run(session).await,
            Self::DeletePolicy(verb) => verb.run(session).await,
        }
    }
}

/// Asks a database and prints what it answers, by the kind of the answer.
pub(super) async fn ask(
    session: &Session,
    place: PlaceArguments,
    call: RetentionCall,
) -> Result<(), Failure> {
    let client = session.client().await?;
    let answer = client.retention(&place.place(), call).await?;
    report::retention::answer(session, &answer)
}
