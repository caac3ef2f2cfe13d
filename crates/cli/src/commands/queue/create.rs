//! `ostler queue create`

use clap::Args;
use ostler_api::queue::QueueCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{DatabaseArguments, Tag, tag, tag_map, text};
use crate::session::Session;

/// Make queues
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Their names
    #[arg(value_name = "QUEUE", required = true, value_parser = text())]
    queues: Vec<String>,

    /// A setting of all of them; may be repeated: ticker_max_count, ticker_max_lag, ticker_idle_period, rotation_period, lag_limit,
    /// lag_action, retry_limit, retry_delay, retry_factor, retry_delay_max, wakeup
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = tag)]
    settings: Vec<Tag>,

    #[command(flatten)]
    database: DatabaseArguments,
}

impl Create {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = QueueCall::Create {
            queues: self.queues,
            settings: tag_map(&self.settings)?,
        };
        ask(session, self.database, call).await
    }
}
