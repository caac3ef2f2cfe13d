//! `ostler materialize drop`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Drop a materialised table
#[derive(Debug, Args)]
pub(crate) struct Drop {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Keep the table, with the rows that it has
    #[arg(long)]
    keep_table: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Drop {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Undefine {
            kind: DefinitionKind::Materialized,
            name: self.name,
            with_data: !self.keep_table,
        };
        ask(session, self.place, call).await
    }
}
