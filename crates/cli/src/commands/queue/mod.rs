//! `ostler queue`

mod config;
mod consume;
mod consumer;
mod create;
mod dead_letter;
mod drop;
mod insert;
mod install;
mod install_trigger;
mod list;
mod load;
mod move_events;
mod pause;
mod peek;
mod redirect;
mod resume;
mod retry;
mod show;
mod split;
mod status;
mod tick;
mod ticker;
mod top;
mod uninstall;
mod upgrade;
mod work;

use clap::Subcommand;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use crate::arguments::DatabaseArguments;
use crate::report;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    Install(install::Install),
    Upgrade(upgrade::Upgrade),
    Uninstall(uninstall::Uninstall),
    Ticker(ticker::Ticker),
    Status(status::Status),
    Top(top::Top),
    List(list::List),
    Show(show::Show),
    Create(create::Create),
    Drop(drop::Drop),
    Config(config::Config),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Tick(tick::Tick),
    /// Look at consumers, register and remove them
    #[command(subcommand, arg_required_else_help = true)]
    Consumer(consumer::ConsumerCommand),
    Peek(peek::Peek),
    Consume(Box<consume::Consume>),
    Move(Box<move_events::Move>),
    Split(Box<split::Split>),
    Load(Box<load::Load>),
    Redirect(Box<redirect::Redirect>),
    Insert(insert::Insert),
    Retry(retry::Retry),
    /// Look at events that consumers gave up, and settle them
    #[command(subcommand, arg_required_else_help = true)]
    DeadLetter(dead_letter::DeadLetterCommand),
    InstallTrigger(install_trigger::InstallTriggerVerb),
}

impl QueueCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Install(verb) => verb.run(session).await,
            Self::Upgrade(verb) => verb.run(session).await,
            Self::Uninstall(verb) => verb.run(session).await,
            Self::Ticker(verb) => verb.run(session).await,
            Self::Status(verb) => verb.run(session).await,
            Self::Top(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session).await,
            Self::Show(verb) => verb.run(session).await,
            Self::Create(verb) => verb.run(session).await,
            Self::Drop(verb) => verb.run(session).await,
            Self::Config(verb) => verb.run(session).await,
            Self::Pause(verb) => verb.run(session).await,
            Self::Resume(verb) => verb.run(session).await,
            Self::Tick(verb) => verb.run(session).await,
            Self::Consumer(verb) => verb.run(session).await,
            Self::Peek(verb) => verb.run(session).await,
            Self::Consume(verb) => verb.run(session).await,
            Self::Move(verb) => verb.run(session).await,
            Self::Split(verb) => verb.run(session).await,
            Self::Load(verb) => verb.run(session).await,
            Self::Redirect(verb) => verb.run(session).await,
            Self::Insert(verb) => verb.run(session).await,
            Self::Retry(verb) => verb.run(session).await,
            Self::DeadLetter(verb) => verb.run(session).await,
            Self::InstallTrigger(verb) => verb.run(session).await,
        }
    }
}

/// Asks a database and prints what it answers, by the kind of the answer.
async fn ask(session: &Session, database: DatabaseArguments, call: QueueCall) -> Result<(), Failure> {
    let client = session.client().await?;
    let answer = client.queue(&database.choice(), call).await?;
    report::queue::answer(session, &answer)
}
