//! `ostler retention ttl`

use clap::Args;
use ostler_api::retention::{PolicyChange, PolicyWish, RetentionCall, TableColumn};
use ostler_vocabulary::{Failure, Period};

use super::ask;
use crate::arguments::{PlaceArguments, UnitWord, period};
use crate::session::Session;

/// Say for how long a table's rows are kept
///
/// Makes or changes the policy with the table's name. The column is found by itself where only one tells a time.
#[derive(Debug, Args)]
pub(crate) struct Ttl {
    /// The table, with the column that tells the time
    #[arg(value_name = "TABLE[:COLUMN]", value_parser = subject)]
    subject: TableColumn,

    /// For how long, such as 36h, 4w, 13mo, INF
    #[arg(value_name = "DURATION", value_parser = period)]
    keep: Period,

    /// How the column tells a time, where its type does not say
    #[arg(long, value_enum, value_name = "UNIT")]
    unit: Option<UnitWord>,

    #[command(flatten)]
    place: PlaceArguments,
}

fn subject(text: &str) -> Result<TableColumn, String> {
    text.parse::<TableColumn>().map_err(|error| error.to_string())
}

impl Ttl {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let wish = PolicyWish {
            name: None,
            table: self.subject.table,
            column: self.subject.column,
            strategy: None,
            keep: self.keep,
            change: PolicyChange {
                unit: self.unit.map(UnitWord::unit),
                ..PolicyChange::default()
            },
        };
        ask(session, self.place, RetentionCall::Add { wish, replace: true }).await
    }
}
