//! `ostler queue config`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, Tag, tag, tag_map, text};
use crate::session::Session;

/// Change settings of queues; without any, show them
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// Which queues; * and ? stand for any characters
    #[arg(value_name = "PATTERN", value_parser = text())]
    pattern: String,

    /// A setting of all of them; may be repeated: ticker_max_count, ticker_max_lag, ticker_idle_period, rotation_period, lag_limit,
    /// lag_action, retry_limit, retry_delay, retry_factor, retry_delay_max, wakeup
    #[arg(value_name = "NAME=VALUE", value_parser = tag)]
    settings: Vec<Tag>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Config {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = if self.settings.is_empty() {
            QueueCall::Show { queue: self.pattern }
        } else {
            QueueCall::Configure {
                pattern: self.pattern,
                settings: tag_map(&self.settings)?,
            }
        };
        ask(session, self.database, call).await
    }
}
