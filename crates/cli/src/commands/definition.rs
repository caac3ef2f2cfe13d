//! What commands of things that are called by a name have in common: rollups, materialised tables, statements.

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::{Pace, RetentionCall};
use ostler_api::tables::{DefinitionKind, TableTask, Tables};
use ostler_vocabulary::Failure;

use super::retention::ask;
use crate::arguments::{PlaceArguments, text};
use crate::operate::Approval;
use crate::session::Session;

/// List them all
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: PlaceArguments,
}

impl List {
    pub async fn run(self, session: &Session, kind: DefinitionKind) -> Result<(), Failure> {
        ask(
            session,
            self.place,
            RetentionCall::Definitions { kind, name: None },
        )
        .await
    }
}

/// Show one in full
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Show {
    pub async fn run(self, session: &Session, kind: DefinitionKind) -> Result<(), Failure> {
        let name = Some(self.name);
        ask(session, self.place, RetentionCall::Definitions { kind, name }).await
    }
}

/// What is made anew, and of which time.
#[derive(Debug, Args)]
pub(crate) struct Again {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Make everything of this moment or later anew: a date, a time with its zone, milliseconds since 1970, `4w`
    #[arg(long, value_name = "MOMENT", value_parser = text(), allow_hyphen_values = true)]
    since: Option<String>,

    /// Only what is before this moment
    #[arg(long, value_name = "MOMENT", value_parser = text(), allow_hyphen_values = true)]
    until: Option<String>,

    /// Show what would be made, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Again {
    /// The work, by its name, its beginning and its end.
    pub fn wish(
        self,
        task: impl FnOnce(String, Option<String>, Option<String>) -> TableTask,
    ) -> (Request, Approval) {
        let request = Request::Tables(Tables {
            place: self.place.place(),
            task: task(self.name, self.since, self.until),
            pace: Pace::default(),
        });
        (request, Approval::looked_at(self.dry_run))
    }
}
