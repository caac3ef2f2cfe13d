//! `ostler webhook list`

use clap::Args;
use ostler_api::webhook::WebhookCall;
use ostler_vocabulary::Failure;

use super::ask;
use crate::session::Session;

/// List webhooks, what they are told, and whether they took it
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        ask(session, WebhookCall::List).await
    }
}
