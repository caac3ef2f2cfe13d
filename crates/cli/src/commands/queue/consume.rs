//! `ostler queue consume`

use clap::{Args, ValueEnum};
use ostler_server::queue::{OnFailure, Per, Receiver, Work};
use ostler_vocabulary::{Failure, Span};

use super::work::{PlaceArguments, TargetArguments, carry_out};
use crate::error::CommandError;
use crate::session::Session;

/// Give the events of a queue to a command or a URL
///
/// Events are JSON with PgQ's field names. A command gets one on its standard input, or a whole batch as one a line, and
/// answers by its exit code: 0 done, 75 not now, any other failed. With `--per batch` a line `{"retry": EV_ID, "seconds": N}`
/// on its standard output asks for one event again. A URL is sent a POST and answers by its status: 2xx done, 429 or 503 not
/// now, any other failed. At least once; with `--target`, what it answers is SQL, run in that database exactly once. Ctrl-C
/// finishes the batch at hand; a second one stops at once, and the batch is given again.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("receiver").required(true).args(["url", "words"]))]
pub(crate) struct Consume {
    #[command(flatten)]
    place: PlaceArguments,

    /// Send events to this URL
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// One event at a time, or a batch
    #[arg(long, value_enum, default_value_t = PerChoice::Event, value_name = "WHAT")]
    per: PerChoice,

    /// What happens when the receiver fails
    #[arg(long, value_enum, default_value_t = FailureChoice::Stop, value_name = "WHAT")]
    on_failure: FailureChoice,

    /// Try again after this time what is tried again
    #[arg(long, value_name = "TIME", default_value = "60s")]
    retry_after: Span,

    #[command(flatten)]
    target: TargetArguments,

    /// The command and its words, after `--`; no shell is involved
    #[arg(last = true, value_name = "COMMAND")]
    words: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PerChoice {
    /// A delivery for every event
    Event,
    /// A delivery for every batch that is not empty
    Batch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailureChoice {
    /// End with an error; the batch stays open
    Stop,
    /// Try the event, or the batch, again later, and go on
    Retry,
}

impl Consume {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let receiver = match self.url {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => Receiver::Url(url),
            Some(_) => {
                return Err(CommandError::Usage {
                    message: "`--url` takes an address that begins with http:// or https://".to_owned(),
                    hint: None,
                }
                .into());
            }
            None => Receiver::Command(self.words),
        };
        let work = Work::Deliver {
            receiver,
            per: match self.per {
                PerChoice::Event => Per::Event,
                PerChoice::Batch => Per::Batch,
            },
            on_failure: match self.on_failure {
                FailureChoice::Stop => OnFailure::Stop,
                FailureChoice::Retry => OnFailure::Retry,
            },
            retry_after: self.retry_after.0,
        };
        carry_out(session, self.place.consume(self.target.choice(), work)).await
    }
}
