//! Webhooks looked at and changed.

use ostler_api::schedule::Push;
use ostler_api::webhook::{
    HookDefinition, HookEvent, WebhookAnswer, WebhookCall, WebhookChange, WebhookDetail, WebhookList,
    WebhookSummary,
};
use ostler_vocabulary::{ErrorKind, Failure, OperationId, Timestamp};
use reqwest::Url;

use super::super::Runtime;
use super::host;
use crate::outgoing;
use crate::webhook::outbox::{NewMessage, Outbox, Receiver, Webhook};
use crate::webhook::{message, signature};

impl Runtime {
    pub(in crate::runtime) async fn webhook_call(&self, call: WebhookCall) -> Result<WebhookAnswer, Failure> {
        let now = self.inner.clock.now();
        match call {
            WebhookCall::List => {
                let webhooks = self
                    .outbox(|outbox| {
                        outbox
                            .webhooks()?
                            .iter()
                            .map(|webhook| summary(outbox, webhook))
                            .collect()
                    })
                    .await?;
                Ok(WebhookAnswer::List(WebhookList { webhooks }))
            }
            WebhookCall::Show { name, limit } => {
                let detail = self.outbox(move |outbox| {
                    Ok(WebhookDetail {
                        summary: summary(outbox, &known(outbox, &name)?)?,
                        deliveries: outbox.deliveries(&name, limit)?,
                    })
                });
                Ok(WebhookAnswer::Detail(detail.await?))
            }
            WebhookCall::Add {
                name,
                definition,
                secret,
            } => {
                check(&name, &definition)?;
                signature::key(&secret)?;
                // What can be said now about the address is said now; it is judged again at each message.
                let mut notes = Vec::new();
                match self.push_url(&definition.address).await {
                    Ok(url) => {
                        match outgoing::allowed(&url, &self.inner.settings.file.outgoing.allow).await {
                            Ok(_) => {}
                            Err(failure) if failure.kind() == ErrorKind::Unavailable => {
                                notes.push(format!("it cannot be reached yet: {failure}"));
                            }
                            Err(failure) => return Err(failure),
                        }
                    }
                    Err(failure) => notes.push(format!("its URL cannot be read here: {failure}")),
                }
                let newest = self.journal(|engine| engine.newest_change()).await?;
                let webhook = self.outbox(move |outbox| {
                    if !outbox.add(&name, &definition, &secret, newest, now)? {
                        return Err(Failure::new(
                            ErrorKind::AlreadyExists,
                            format!("there is a webhook `{name}` already"),
                        )
                        .with_hint("`ostler webhook remove` removes it; or take another name"));
                    }
                    summary(outbox, &known(outbox, &name)?)
                });
                Ok(WebhookAnswer::Changed(WebhookChange {
                    action: "added".to_owned(),
                    webhook: webhook.await?,
                    notes,
                }))
            }
            WebhookCall::Remove { name } => {
                let webhook = self.outbox(move |outbox| {
                    let webhook = summary(outbox, &known(outbox, &name)?)?;
                    outbox.remove(&name)?;
                    Ok(webhook)
                });
                Ok(WebhookAnswer::Changed(WebhookChange {
                    action: "removed".to_owned(),
                    webhook: webhook.await?,
                    notes: Vec::new(),
                }))
            }
            WebhookCall::Test { name } => self.test_webhook(name, now).await,
        }
    }

    /// Sends a message now and says how that went. One that was not taken is sent again like any other.
    async fn test_webhook(&self, name: String, now: Timestamp) -> Result<WebhookAnswer, Failure> {
        let wanted = name.clone();
        let claimed = self
            .outbox(move |outbox| {
                let webhook = known(outbox, &wanted)?;
                let test = NewMessage {
                    to: Receiver::Webhook(wanted.clone()),
                    key: format!("test-{}", OperationId::random()),
                    event: HookEvent::Test,
                    subject: wanted.clone(),
                    body: message::of_test(webhook.definition.format, &wanted, now, &host()),
                };
                Ok(outbox.add_claimed(&test, now)?)
            })
            .await?;
        let id = claimed.as_ref().map(|claimed| claimed.id.clone());
        if let Some(claimed) = claimed {
            self.send_message(claimed).await?;
        }
        let delivery = self
            .outbox(move |outbox| Ok(outbox.deliveries(&name, 50)?))
            .await?
            .into_iter()
            .find(|delivery| Some(&delivery.id) == id.as_ref());
        delivery.map(WebhookAnswer::Tested).ok_or_else(|| {
            Failure::new(
                ErrorKind::NotFound,
                "the webhook was removed while it was being tested",
            )
        })
    }
}

fn check(name: &str, definition: &HookDefinition) -> Result<(), Failure> {
    let invalid =
        |message: String, hint: &str| Err(Failure::new(ErrorKind::Invalid, message).with_hint(hint));
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !(1..=64).contains(&name.len()) || !name.chars().all(good) {
        return invalid(
            format!("`{name}` is no name of a webhook"),
            "write 1 to 64 letters, digits, dots, underscores and dashes",
        );
    }
    if definition.on.is_empty() || definition.on.contains(&HookEvent::Test) {
        let words: Vec<&str> = HookEvent::ALL.iter().map(|event| event.as_str()).collect();
        return invalid(
            "a webhook has to be told something".to_owned(),
            &format!("choose from: {}", words.join(", ")),
        );
    }
    Ok(())
}

pub(super) fn known(outbox: &Outbox, name: &str) -> Result<Webhook, Failure> {
    outbox
        .webhooks()?
        .into_iter()
        .find(|webhook| webhook.name == name)
        .ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, format!("no webhook is called `{name}`"))
                .with_hint("`ostler webhook list` lists them")
        })
}

fn summary(outbox: &Outbox, webhook: &Webhook) -> Result<WebhookSummary, Failure> {
    Ok(WebhookSummary {
        name: webhook.name.clone(),
        address: shown(&webhook.definition.address),
        on: webhook.definition.on.clone(),
        format: webhook.definition.format,
        created: webhook.created,
        pending: webhook.pending,
        given_up: webhook.given_up,
        last: outbox.deliveries(&webhook.name, 1)?.pop(),
    })
}

/// An address without what may be a secret.
fn shown(address: &Push) -> String {
    match address {
        Push::Url(url) => match Url::parse(url) {
            Ok(url) => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!(
                    "{}://{}{port}/…",
                    url.scheme(),
                    url.host_str().unwrap_or_default()
                )
            }
            Err(_) => "a URL".to_owned(),
        },
        Push::Env(name) => format!("env:{name}"),
        Push::File(path) => format!("file:{}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use ostler_api::schedule::Push;

    use super::shown;

    #[test]
    fn of_a_url_only_the_host_is_shown() {
        let shown = |url: &str| shown(&Push::Url(url.to_owned()));
        assert_eq!(
            shown("https://hooks.example.org/services/T0/s3cret?key=x"),
            "https://hooks.example.org/…"
        );
        assert_eq!(shown("http://10.0.0.1:8080/s3cret"), "http://10.0.0.1:8080/…");
        assert_eq!(shown("s3cret"), "a URL");
    }
}
