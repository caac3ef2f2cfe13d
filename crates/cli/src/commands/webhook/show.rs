//! `ostler webhook show`

use clap::Args;
use ostler_api::webhook::WebhookCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Show a webhook and its newest messages
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// How many messages
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,
}

impl Show {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = WebhookCall::Show {
            name: self.name,
            limit: self.limit,
        };
        ask(session, call).await
    }
}
