//! `ostler schedule preview`

use clap::Args;
use ostler_api::schedule::ScheduleCall;
use ostler_vocabulary::{Failure, Timestamp};

use super::ask;
use crate::arguments::{text, time};
use crate::session::Session;

/// Show when a schedule would run, and where the clocks change
#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// From when on; now if not given
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,

    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: u32,
}

impl Preview {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = ScheduleCall::Preview {
            name: self.name,
            from: self.from,
            count: self.count,
        };
        ask(session, call).await
    }
}
