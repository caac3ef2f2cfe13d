//! `ostler rollup refresh`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::Pace;
use ostler_api::tables::{RefreshRollup, TableTask, Tables};
use ostler_vocabulary::Failure;

use crate::arguments::{PlaceArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Bring the levels of a rollup up to date
///
/// Whole buckets only: of what is before now, or before `--until`. Buckets of the time in which rows may come late are made anew, those
/// whose rows have gone are not. One that was killed goes on by `ostler operation resume`.
#[derive(Debug, Args)]
pub(crate) struct Refresh {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Make all buckets from this moment on anew: a date, a time with its zone, milliseconds since 1970, `4w`
    #[arg(long, value_name = "MOMENT", value_parser = text(), allow_hyphen_values = true)]
    since: Option<String>,

    /// Sum up what is before this moment; now if not given
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
            task: TableTask::RefreshRollup(RefreshRollup {
                name: self.name,
                since: self.since,
                until: self.until,
            }),
            pace: Pace::default(),
        });
        Ok((request, Approval::looked_at(self.dry_run)))
    }
}
