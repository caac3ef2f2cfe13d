//! `ostler queue redirect`

use clap::Args;
use ostler_server::queue::{Rule, Work};
use ostler_vocabulary::Failure;

use super::load::TableArguments;
use super::work::{PlaceArguments, TargetArguments, carry_out};
use crate::session::Session;

/// Send events to other queues and tables by rules, exactly once
///
/// A rule is `FIELD=PATTERN -> queue:NAME`, `-> table:NAME` or `-> drop`. FIELD is ev_type, ev_data or ev_extra1 to ev_extra4;
/// `*` and `?` in PATTERN stand for any text and any character; `* -> …` takes every event. NAME may have fields in braces, and
/// `{table}` for ev_extra1 without its schema. The first rule that holds decides; an event that no rule takes is an error.
#[derive(Debug, Args)]
pub(crate) struct Redirect {
    #[command(flatten)]
    place: PlaceArguments,

    #[command(flatten)]
    target: TargetArguments,

    /// A rule; repeat it, the first that holds decides
    #[arg(long = "rule", value_name = "RULE", required = true)]
    rules: Vec<String>,

    /// Make queues that are missing
    #[arg(long)]
    create_queues: bool,

    #[command(flatten)]
    tables: TableArguments,
}

impl Redirect {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let rules = self.rules.iter().map(|text| Ok(text.parse::<Rule>()?));
        let work = Work::Dispatch {
            rules: rules.collect::<Result<_, Failure>>()?,
            tables: self.tables.options()?,
            create_queues: self.create_queues,
        };
        carry_out(session, self.place.consume(self.target.choice(), work)).await
    }
}
