//! `ostler materialize refresh`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::Pace;
use ostler_api::tables::{RefreshMaterialized, TableTask, Tables};
use ostler_vocabulary::Failure;

use crate::arguments::{PlaceArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Make the rows of a materialised table anew, and swap them in
///
/// The new table is made beside the old one and takes its name in one transaction: whoever reads sees all of the one or all of the other.
/// With `--since` or `--until` only rows of that time are made anew, and the others are taken over.
#[derive(Debug, Args)]
pub(crate) struct Refresh {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Only rows of this moment or later: a date, a time with its zone, milliseconds since 1970, `4w`
    #[arg(long, value_name = "MOMENT", value_parser = text(), allow_hyphen_values = true)]
    since: Option<String>,

    /// Only rows before this moment
    #[arg(long, value_name = "MOMENT", value_parser = text(), allow_hyphen_values = true)]
    until: Option<String>,

    /// Show what would be made, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Refresh {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish()?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        let request = Request::Tables(Tables {
            place: self.place.place(),
            task: TableTask::RefreshMaterialized(RefreshMaterialized {
                name: self.name,
                since: self.since,
                until: self.until,
            }),
            pace: Pace::default(),
        });
        Ok((request, Approval::looked_at(self.dry_run)))
    }
}
