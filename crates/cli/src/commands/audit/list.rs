//! `ostler audit list`

use clap::Args;
use ostler_api::audit::AuditQuery;
use ostler_vocabulary::{Failure, Timestamp};

use crate::arguments::{span, text, time};
use crate::report;
use crate::session::Session;

/// List who changed what, newest first: by commands on this machine, by the API, in the dashboard
///
/// A change is written down before it is made, and how it went after. `--output json` has what was there before and after.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Only what was asked for since then: how long ago, such as 7d, or a date and time with its zone
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,

    /// Only what was asked for by this user of the machine or of the server, or by the token of this name
    #[arg(long, value_name = "NAME", value_parser = text())]
    who: Option<String>,

    /// Only changes with this in their action or object, such as schedule, or `backup hold`
    #[arg(long, value_name = "TEXT", value_parser = text())]
    what: Option<String>,

    /// Only changes with lower numbers than this
    #[arg(long, value_name = "NUMBER")]
    below: Option<u64>,
}

/// A moment, or how long ago it was.
#[derive(Debug, Clone, Copy)]
enum Since {
    Ago(std::time::Duration),
    At(Timestamp),
}

fn since(text: &str) -> Result<Since, String> {
    match span(text) {
        Ok(span) => Ok(Since::Ago(span.0)),
        Err(_) => time(text)
            .map(Since::At)
            .map_err(|reason| format!("{reason}, or how long ago, such as 7d")),
    }
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let query = AuditQuery {
            below: self.below,
            since: self.since.map(|since| match since {
                Since::At(moment) => moment,
                Since::Ago(ago) => session.now().saturating_sub(ago).unwrap_or(Timestamp::MIN),
            }),
            who: self.who,
            what: self.what,
            ..AuditQuery::newest(usize::try_from(self.limit).unwrap_or(usize::MAX))
        };
        let list = session.client().await?.audit(&query).await?;
        report::audit::list(session, &list)
    }
}
