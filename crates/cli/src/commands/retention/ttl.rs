//! `ostler retention ttl`

use clap::Args;
use ostler_api::retention::{PolicyChange, PolicyWish, RetentionCall};
use ostler_vocabulary::Failure;

use super::{ask, short};
use crate::arguments::{PlaceArguments, UnitWord, text};
use crate::session::Session;

/// Say for how long a table's rows are kept
///
/// Makes or changes the policy with the table's name. The column is found by itself where only one tells a time.
#[derive(Debug, Args)]
pub(crate) struct Ttl {
    /// Such as `events 4w` or `events:created delete 4w`: TABLE[:COLUMN] [STRATEGY[:TARGET]] DURATION
    #[arg(value_name = "POLICY", required = true, value_parser = text())]
    words: Vec<String>,

    /// How the column tells a time, where its type does not say
    #[arg(long, value_enum, value_name = "UNIT")]
    unit: Option<UnitWord>,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Ttl {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let short = short::read(&self.words)?;
        let wish = PolicyWish {
            name: None,
            table: short.subject.table,
            column: short.subject.column,
            strategy: short.strategy,
            keep: short.keep,
            change: PolicyChange {
                target: short.target,
                unit: self.unit.map(UnitWord::unit),
                ..PolicyChange::default()
            },
        };
        ask(session, self.place, RetentionCall::Add { wish, replace: true }).await
    }
}
