//! `ostler query run`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::Pace;
use ostler_api::tables::{RunQuery, TableTask, Tables};
use ostler_vocabulary::Failure;

use crate::arguments::{PlaceArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Run a statement as an operation
///
/// It is a transaction of its own, which also writes how many rows it affected: one that was killed and resumed is not run twice.
/// Rows that it returns are counted, and not shown.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The name of a statement, or one: `DELETE FROM sessions WHERE host = :host`
    #[arg(value_name = "NAME|SQL", value_parser = text())]
    query: String,

    /// What a parameter is; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// Ask the server whether it understands the statement, and run nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Run {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish();
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> (Request, Approval) {
        let request = Request::Tables(Tables {
            place: self.place.place(),
            task: TableTask::RunQuery(RunQuery {
                query: self.query,
                parameters: self.parameters.into_iter().collect(),
            }),
            pace: Pace::default(),
        });
        (request, Approval::looked_at(self.dry_run))
    }
}
