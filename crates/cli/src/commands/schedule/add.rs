//! `ostler schedule add`

use clap::Args;
use ostler_api::schedule::{Definition, ScheduleCall};
use ostler_vocabulary::{ErrorKind, Failure};

use super::{ask, command};
use crate::arguments::{TimesArguments, text};
use crate::session::Session;

/// Add a schedule: its times, and after `--` the command that it runs
///
/// Such as `ostler schedule add nightly --cron '30 2 * * *' --zone Europe/Berlin -- backup create /srv`. The command is
/// checked now, and stored as it is written: secrets are named by reference in the configuration. What it deletes, it
/// deletes without an approval, under its floors. A local time that the clocks leave out runs once, right after the gap;
/// one that they show twice runs once.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    times: TimesArguments,

    /// What it runs, without the program's name
    #[arg(last = true, required = true, value_name = "COMMAND")]
    words: Vec<String>,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = command::request(&self.words, session)?;
        let change = self.times.change()?;
        let Some(trigger) = change.trigger else {
            return Err(Failure::new(ErrorKind::Invalid, "a schedule needs a time")
                .with_hint("give --cron, --every or --after"));
        };
        let definition = Definition {
            trigger,
            zone: change.zone.unwrap_or_else(|| "UTC".to_owned()),
            jitter: change.jitter.filter(|jitter| !jitter.0.is_zero()),
            missed: change.missed.unwrap_or_default(),
            overlap: change.overlap.unwrap_or_default(),
            deadline: change.deadline.filter(|deadline| !deadline.0.is_zero()),
            start: change.start,
            end: change.end,
            words: self.words,
            request,
            keep: change.keep,
            push: change.push,
        };
        let call = ScheduleCall::Add {
            name: self.name,
            definition: Box::new(definition),
        };
        ask(session, call).await
    }
}
