//! Who is told what: webhooks and metrics.

use ostler_vocabulary::ErrorKind;

use super::super::ensure;
use super::{is, told};
use crate::Client;
use crate::schedule::Push;
use crate::webhook::{HookDefinition, HookEvent, HookFormat, SigningSecret, WebhookCall};

pub(super) async fn webhooks(client: &dyn Client) -> Result<(), String> {
    let add = || WebhookCall::Add {
        name: "suite".to_owned(),
        definition: HookDefinition {
            address: Push::Url("http://192.0.2.1/s3cret".to_owned()),
            on: vec![HookEvent::Failed],
            format: HookFormat::Full,
        },
        secret: SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    };
    client.webhook(add()).await.map_err(told("add a webhook"))?;
    is(
        client.webhook(add()).await,
        ErrorKind::AlreadyExists,
        "one of that name",
    )?;
    let listed = client
        .webhook(WebhookCall::List)
        .await
        .map_err(told("list webhooks"))?;
    let text = serde_json::to_string(&listed).unwrap_or_default();
    ensure(text.contains("suite"), &format!("it is not listed: {text}"))?;
    let secret = text.contains("s3cret") || text.contains("whsec_");
    ensure(!secret, &format!("a secret is listed: {text}"))?;
    let remove = || WebhookCall::Remove {
        name: "suite".to_owned(),
    };
    client.webhook(remove()).await.map_err(told("remove it"))?;
    is(
        client.webhook(remove()).await,
        ErrorKind::NotFound,
        "one that was removed",
    )
}

pub(super) async fn metrics(client: &dyn Client) -> Result<(), String> {
    for refresh in [false, true] {
        let metrics = client.metrics(refresh).await.map_err(told("metrics"))?;
        let text = crate::metrics::prometheus(&metrics);
        ensure(text.contains("ostler_build_info{version="), &text)?;
    }
    Ok(())
}
