//! `ostler retention erase`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::{Pace, TableColumn};
use ostler_api::tables::{self, SubjectColumn, TableTask, Tables};
use ostler_vocabulary::{Failure, Span};

use crate::arguments::{ApprovalArguments, PlaceArguments, span, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Remove all rows of one subject from tables, with a certificate
///
/// A subject is a person, a customer, a device: whatever has a value of its own in a column. What refers to its rows and would go with
/// them (`ON DELETE CASCADE`) is found, counted and removed by its own. In the end all tables are looked at again in one snapshot. Without
/// `--yes` or `--apply DIGEST` the plan is printed and nothing is removed (exit code 4). Archives, sums of rollups and backups are not
/// touched; the plan says where they are.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The value by which its rows are known
    #[arg(value_name = "SUBJECT", value_parser = text(), allow_hyphen_values = true)]
    subject: String,

    /// A table, and its column that has the value; may be repeated
    #[arg(long, value_name = "TABLE:COLUMN", value_parser = place, required = true)]
    of: Vec<SubjectColumn>,

    /// How long to wait for whoever holds a row of the subject; 60s if not given
    #[arg(long, value_name = "SPAN", value_parser = span)]
    lock_wait: Option<Span>,

    #[command(flatten)]
    approval: ApprovalArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

fn place(text: &str) -> Result<SubjectColumn, String> {
    let place = text.parse::<TableColumn>().map_err(|error| error.to_string())?;
    let column = place
        .column
        .ok_or("which column says whose a row is? write TABLE:COLUMN")?;
    Ok(SubjectColumn {
        table: place.table,
        column,
    })
}

impl Erase {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut pace = Pace::default();
        if let Some(Span(wait)) = self.lock_wait {
            pace.lock_wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        }
        let request = Request::Tables(Tables {
            place: self.place.place(),
            task: TableTask::Erase(tables::Erase {
                subject: self.subject,
                of: self.of,
            }),
            pace,
        });
        carry_out(
            session,
            request,
            Approval::needed("retention erase", self.approval),
        )
        .await
    }
}
