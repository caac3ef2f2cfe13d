//! `ostler schedule edit`

use clap::Args;
use ostler_api::request::Prune;
use ostler_api::schedule::{DefinitionChange, ScheduleCall};
use ostler_vocabulary::Failure;

use super::{ask, command};
use crate::arguments::{TimesArguments, text};
use crate::session::Session;

/// Change a schedule; what is not given stays
///
/// Where its times change, nothing that was due before is made up for.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    times: TimesArguments,

    /// Tell nobody of good runs any more
    #[arg(long, conflicts_with = "push")]
    no_push: bool,

    /// Have no keep rules any more
    #[arg(long)]
    no_keep: bool,

    /// Only if the schedule still has this version
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,

    /// What it runs, without the program's name
    #[arg(last = true, value_name = "COMMAND")]
    words: Vec<String>,
}

impl Edit {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let change = self.times.change()?;
        let command = match self.words.is_empty() {
            true => None,
            false => {
                let request = command::request(&self.words, session)?;
                Some((self.words, request))
            }
        };
        let change = DefinitionChange {
            command,
            keep: if self.no_keep {
                Some(Prune::default())
            } else {
                change.keep
            },
            no_push: self.no_push,
            ..change
        };
        let call = ScheduleCall::Edit {
            name: self.name,
            version: self.if_version,
            change: Box::new(change),
        };
        ask(session, call).await
    }
}
