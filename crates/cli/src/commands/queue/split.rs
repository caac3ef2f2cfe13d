//! `ostler queue split`

use clap::Args;
use ostler_server::queue::{Rule, TableOptions, Work};
use ostler_vocabulary::Failure;

use super::work::{PlaceArguments, TargetArguments, carry_out};
use crate::arguments::text;
use crate::session::Session;

/// Copy events into many queues by a field, exactly once
#[derive(Debug, Args)]
pub(crate) struct Split {
    #[command(flatten)]
    place: PlaceArguments,

    #[command(flatten)]
    target: TargetArguments,

    /// The other queues' names, with fields of the event in braces
    #[arg(long, value_name = "NAMES", default_value = "{ev_extra1}", value_parser = text())]
    to: String,

    /// Make queues that are missing
    #[arg(long)]
    create_queues: bool,
}

impl Split {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let work = Work::Dispatch {
            rules: vec![Rule::all_to_queue(&self.to)?],
            tables: TableOptions::default(),
            create_queues: self.create_queues,
        };
        carry_out(session, self.place.consume(self.target.choice(), work)).await
    }
}
