//! `ostler retention policy edit`

use clap::Args;
use ostler_api::retention::{PolicyChange, RetentionCall, Strategy};
use ostler_vocabulary::{Failure, Period};

use super::ask;
use crate::arguments::{PlaceArguments, PolicyArguments, period, strategy, text};
use crate::session::Session;

/// Change a policy; what is not given stays
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// For how long
    #[arg(long, value_name = "DURATION", value_parser = period)]
    keep: Option<Period>,

    /// The column that tells the time
    #[arg(long, value_name = "COLUMN", value_parser = text())]
    column: Option<String>,

    /// What is done with what is too old
    #[arg(long, value_name = "STRATEGY", value_parser = strategy(), ignore_case = true)]
    strategy: Option<Strategy>,

    /// Only if the policy still has this version
    #[arg(long, value_name = "N")]
    if_version: Option<i64>,

    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Edit {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Edit {
            policy: self.name,
            version: self.if_version,
            change: PolicyChange {
                keep: self.keep,
                column: self.column,
                strategy: self.strategy,
                ..self.policy.change()
            },
        };
        ask(session, self.place, call).await
    }
}
