//! `ostler webhook remove`

use clap::Args;
use ostler_api::webhook::WebhookCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Remove a webhook, and what it was not told yet
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        ask(session, WebhookCall::Remove { name: self.name }).await
    }
}
