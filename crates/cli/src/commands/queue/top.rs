//! `ostler queue top`

use std::time::Duration;

use clap::Args;
use ostler_api::queue::{QueueAnswer, QueueCall};
use ostler_vocabulary::{ErrorKind, Failure, Span};

use crate::arguments::{DatabaseArguments, span, text};
use crate::output::Page;
use crate::report;
use crate::session::Session;

/// The other screen, without a cursor; so that what was on the terminal is there again afterwards.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H\x1b[2J";

/// Watch queues and consumers live; Ctrl-C ends it
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Which queues; * and ? stand for any characters; all if not given
    #[arg(value_name = "PATTERN", value_parser = text())]
    pattern: Option<String>,

    /// How often it looks
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = span)]
    every: Span,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Top {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        if session.output.width.is_none() {
            return Err(Failure::new(ErrorKind::Invalid, "standard output is no terminal")
                .with_hint("`ostler queue list` prints the same once, `--output json` for programs"));
        }
        session.output.text(ENTER)?;
        let ended = self.watch(session).await;
        session.output.text(LEAVE)?;
        ended
    }

    async fn watch(self, session: &Session) -> Result<(), Failure> {
        let client = session.client().await?;
        let database = self.database.choice();
        let mut interrupts = session.interrupts.lock().await;
        loop {
            let status = client.queue(&database, QueueCall::Status).await;
            let list = QueueCall::List {
                pattern: self.pattern.clone(),
            };
            let list = client.queue(&database, list).await;
            let mut page = Page::new(session.output.width, false);
            match (status, list) {
                (Ok(QueueAnswer::Status(status)), Ok(QueueAnswer::Queues(list))) => {
                    report::queue::status(&mut page, &status, session.now());
                    page.blank();
                    report::queue::list(&mut page, &list);
                }
                (Err(failure), _) | (_, Err(failure)) => {
                    // A server that is gone may come back while somebody watches.
                    page.line(format!("error: {}", failure.messages().join(": ")));
                }
                _ => page.line("error: an answer to another question"),
            }
            session.output.text(&format!("{HOME}{}", page.as_str()))?;
            tokio::select! {
                _ = interrupts.recv() => return Ok(()),
                () = tokio::time::sleep(self.every.0.max(Duration::from_millis(100))) => {}
            }
        }
    }
}
