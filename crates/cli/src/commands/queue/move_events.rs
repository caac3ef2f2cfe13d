//! `ostler queue move`

use clap::Args;
use ostler_server::queue::{Rule, TableOptions, Work};
use ostler_vocabulary::Failure;

use super::work::{PlaceArguments, TargetArguments, carry_out};
use crate::arguments::text;
use crate::session::Session;

/// Copy every event into another queue, exactly once
///
/// Types, payloads and extra fields stay; ids and times are the target's.
#[derive(Debug, Args)]
pub(crate) struct Move {
    #[command(flatten)]
    place: PlaceArguments,

    #[command(flatten)]
    target: TargetArguments,

    /// The other queue
    #[arg(long, value_name = "QUEUE", value_parser = text())]
    to: String,

    /// Make the other queue when it is missing
    #[arg(long)]
    create_queues: bool,
}

impl Move {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let work = Work::Dispatch {
            rules: vec![Rule::all_to_queue(&self.to)?],
            tables: TableOptions::default(),
            create_queues: self.create_queues,
        };
        carry_out(session, self.place.consume(self.target.choice(), work)).await
    }
}
