//! What this server knows, asked of it.

use ostler_api::Client;
use ostler_api::schedule::{Push, ScheduleAnswer, ScheduleCall};
use ostler_api::webhook::{HookDefinition, WebhookAnswer, WebhookCall};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use ostler_web::Access;

use super::{FORMAT, State, TakenSchedule, TakenWebhook, VERSION};

/// What is known to the client and to the file of users and tokens.
///
/// # Errors
/// When one of them cannot be read.
pub async fn export(client: &dyn Client, access: &Access, now: Timestamp) -> Result<State, Failure> {
    let (mut webhooks, mut left_out) = (Vec::new(), Vec::new());
    for webhook in hooks(client).await? {
        // The URL of a webhook is often a secret, and is shown by nobody.
        match Push::of(webhook.address) {
            Push::Url(_) => left_out.push(format!(
                "webhook `{}`: its URL may be a secret; add it again, or name it by env:NAME or file:PATH",
                webhook.name
            )),
            address => webhooks.push(TakenWebhook {
                name: webhook.name,
                definition: HookDefinition {
                    address,
                    on: webhook.on,
                    format: webhook.format,
                },
            }),
        }
    }
    Ok(State {
        format: FORMAT.to_owned(),
        version: VERSION,
        exported: now,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schedules: schedules(client).await?,
        users: access.taken_users()?,
        tokens: access.taken_tokens()?,
        webhooks,
        left_out,
        digest: String::new(),
    }
    .sealed())
}

async fn schedules(client: &dyn Client) -> Result<Vec<TakenSchedule>, Failure> {
    let ScheduleAnswer::List(list) = client.schedule(ScheduleCall::List).await? else {
        return Err(foreign("schedules"));
    };
    let schedules = list.schedules.into_iter().map(|one| TakenSchedule {
        name: one.schedule.name,
        pause: one.schedule.pause,
        definition: one.schedule.definition,
    });
    Ok(schedules.collect())
}

async fn hooks(client: &dyn Client) -> Result<Vec<ostler_api::webhook::WebhookSummary>, Failure> {
    match client.webhook(WebhookCall::List).await? {
        WebhookAnswer::List(list) => Ok(list.webhooks),
        _ => Err(foreign("webhooks")),
    }
}

fn foreign(what: &str) -> Failure {
    Failure::new(
        ErrorKind::Internal,
        format!("the list of {what} is something else"),
    )
}
