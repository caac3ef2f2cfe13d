//! `ostler webhook test`

use clap::Args;
use ostler_api::webhook::WebhookCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::text;
use crate::session::Session;

/// Send a webhook a message now, and say what it answered (exit code 8 when it did not take it)
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Which
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Test {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        ask(session, WebhookCall::Test { name: self.name }).await
    }
}
