//! `ostler retention undo`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::{self, Pace, TableName};
use ostler_vocabulary::Failure;

use crate::arguments::{PlaceArguments, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Bring archived rows of a table back
///
/// Adds those rows that the table does not have, and reads each back. A partition that is gone is made anew and attached when it is full.
/// Nothing is removed, neither rows nor archives; the next run of the policy may archive the rows again.
#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// The table, as it was called when its rows were archived
    #[arg(value_name = "TABLE", value_parser = table)]
    table: TableName,

    /// Where its archives are: an address or a [class.NAME] of the configuration; what the table's policy says if not given
    #[arg(long, value_name = "TARGET", value_parser = text())]
    from: Option<String>,

    /// Only rows of this moment or later: a date, a time with its zone, milliseconds since 1970
    #[arg(long, value_name = "MOMENT", value_parser = text())]
    since: Option<String>,

    /// Only rows before this moment
    #[arg(long, value_name = "MOMENT", value_parser = text())]
    until: Option<String>,

    /// Only of this archive
    #[arg(long, value_name = "ID", value_parser = text())]
    archive: Option<String>,

    /// The zone of moments that name none; UTC if not given
    #[arg(long, value_name = "ZONE", value_parser = text())]
    time_zone: Option<String>,

    /// Show what would come back, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

fn table(text: &str) -> Result<TableName, String> {
    text.parse::<TableName>().map_err(|error| error.to_string())
}

impl Undo {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = Request::Undo(retention::Undo {
            place: self.place.place(),
            table: self.table,
            from: self.from,
            since: self.since,
            until: self.until,
            archive: self.archive,
            time_zone: self.time_zone,
            pace: Pace::default(),
        });
        carry_out(session, request, Approval::looked_at(self.dry_run)).await
    }
}
