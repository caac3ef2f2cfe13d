//! Messages on their way: one attempt at a time.

use ostler_api::Plan;
use ostler_vocabulary::{Failure, OperationId};

use super::super::Runtime;
use super::super::dispatch::Turn;
use super::answer::known;
use crate::outgoing::{self, Headers};
use crate::webhook::outbox::{Claimed, Receiver, Settled};
use crate::webhook::{pace, signature};

impl Runtime {
    /// Takes what is due, but nothing for those in `busy`.
    pub(crate) async fn claim_messages(
        &self,
        busy: Vec<Receiver>,
        limit: usize,
    ) -> Result<Vec<Claimed>, Failure> {
        let now = self.inner.clock.now();
        self.outbox(move |outbox| Ok(outbox.claim(&busy, limit, now)?))
            .await
    }

    /// Sends a message once and records how that went.
    ///
    /// # Errors
    /// When that cannot be recorded; it is then sent again.
    pub(crate) async fn send_message(&self, message: Claimed) -> Result<(), Failure> {
        let sent = self.attempt(&message).await;
        let now = self.inner.clock.now();
        let settled = match sent {
            Ok(()) => Settled {
                delivered: Some(now),
                next: None,
                failure: None,
            },
            Err(failure) => {
                let pause = pace::pause(message.attempts);
                tracing::warn!(
                    "message {} was not taken, attempt {}: {failure}",
                    message.id,
                    message.attempts
                );
                Settled {
                    delivered: None,
                    next: pause.and_then(|pause| now.checked_add(pause).ok()),
                    failure: Some(failure.to_string()),
                }
            }
        };
        let number = message.number;
        self.outbox(move |outbox| Ok(outbox.settle(number, &settled)?))
            .await
    }

    async fn attempt(&self, message: &Claimed) -> Result<(), Failure> {
        let timestamp = self.inner.clock.now().as_second();
        let mut headers: Headers = vec![
            ("webhook-id", message.id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
        ];
        let url = match &message.to {
            Receiver::Url(url) => url.clone(),
            Receiver::Webhook(name) => {
                let name = name.clone();
                let webhook = self.outbox(move |outbox| known(outbox, &name)).await?;
                let key = signature::key(&webhook.secret)?;
                headers.push((
                    "webhook-signature",
                    signature::sign(&key, &message.id, timestamp, &message.body),
                ));
                self.push_url(&webhook.definition.address).await?
            }
        };
        let target = outgoing::allowed(&url, &self.inner.settings.file.outgoing.allow).await?;
        target.post(message.body.clone(), headers).await
    }

    /// Starts a plan whose outcome is sent somewhere: where, is recorded before it starts.
    pub(in crate::runtime) async fn start_telling(
        &self,
        plan: Plan,
        url: String,
    ) -> Result<OperationId, Failure> {
        outgoing::allowed(&url, &self.inner.settings.file.outgoing.allow)
            .await
            .map_err(|failure| failure.context("the outcome cannot be sent there"))?;
        let (id, now) = (OperationId::random(), self.inner.clock.now());
        let newest = self.journal(|engine| engine.newest_change()).await?;
        self.outbox(move |outbox| Ok(outbox.add_callback(id, &url, newest, now)?))
            .await?;
        let started = self.start_plan(id, plan, Turn::Now).await;
        if started.is_err() {
            self.outbox(move |outbox| Ok(outbox.remove_callback(id)?)).await?;
        }
        started.map(|()| id)
    }
}
