//! `ostler queue`

mod consume;
mod load;
mod move_events;
mod redirect;
mod split;
mod work;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    Consume(Box<consume::Consume>),
    Move(Box<move_events::Move>),
    Split(Box<split::Split>),
    Load(Box<load::Load>),
    Redirect(Box<redirect::Redirect>),
}

impl QueueCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Consume(verb) => verb.run(session).await,
            Self::Move(verb) => verb.run(session).await,
            Self::Split(verb) => verb.run(session).await,
            Self::Load(verb) => verb.run(session).await,
            Self::Redirect(verb) => verb.run(session).await,
        }
    }
}
