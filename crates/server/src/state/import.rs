//! Taking over what another server knew.

use ostler_api::Client;
use ostler_api::schedule::ScheduleCall;
use ostler_api::webhook::{SigningSecret, WebhookCall};
use ostler_vocabulary::Failure;
use ostler_web::{Access, new_signing_secret};
use serde::Serialize;

use super::{Action, Item, Kind, State};

/// What was taken over.
#[derive(Debug, Default, Serialize)]
pub struct Imported {
    /// What became of each.
    pub items: Vec<Item>,
    /// Secrets that messages are signed with from now on, by the names of webhooks.
    pub secrets: Vec<(String, SigningSecret)>,
}

/// Adds what is to be added, one by one, each for itself: who was interrupted, or met a failure, imports again, and what is
/// here by then is left alone.
///
/// # Errors
/// The first failure, after which nothing more is added.
pub async fn import(
    client: &dyn Client,
    access: &Access,
    state: &State,
    items: Vec<Item>,
) -> Result<Imported, Failure> {
    let mut imported = Imported::default();
    for item in items {
        if item.action == Action::Add {
            let added = add(client, access, state, &item).await.map_err(|failure| {
                failure.context(format!("cannot take over the {} `{}`", item.kind, item.name))
            })?;
            imported
                .secrets
                .extend(added.map(|secret| (item.name.clone(), secret)));
        }
        imported.items.push(item);
    }
    Ok(imported)
}

async fn add(
    client: &dyn Client,
    access: &Access,
    state: &State,
    item: &Item,
) -> Result<Option<SigningSecret>, Failure> {
    let name = &item.name;
    match item.kind {
        Kind::Schedule => {
            for schedule in state.schedules.iter().filter(|one| one.name == *name) {
                let call = ScheduleCall::Add {
                    name: name.clone(),
                    definition: Box::new(schedule.definition.clone()),
                };
                client.schedule(call).await?;
                if let Some(pause) = &schedule.pause {
                    let call = ScheduleCall::Pause {
                        name: name.clone(),
                        reason: pause.reason.clone(),
                    };
                    client.schedule(call).await?;
                }
            }
        }
        Kind::User => {
            for user in state.users.iter().filter(|one| one.name == *name) {
                access.take_user(user)?;
            }
        }
        Kind::Token => {
            for token in state.tokens.iter().filter(|one| one.name == *name) {
                access.take_token(token)?;
            }
        }
        Kind::Webhook => {
            if let Some(webhook) = state.webhooks.iter().find(|one| one.name == *name) {
                let secret = new_signing_secret()?;
                let call = WebhookCall::Add {
                    name: name.clone(),
                    definition: webhook.definition.clone(),
                    secret: secret.clone(),
                };
                client.webhook(call).await?;
                return Ok(Some(secret));
            }
        }
    }
    Ok(None)
}
