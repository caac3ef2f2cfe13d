//! What happened since is put into the outbox.

use std::collections::HashMap;

use jiff::SignedDuration;
use ostler_api::document::{Firing, FiringState, OperationDetail};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::webhook::{HookEvent, HookFormat};
use ostler_operations::{ChangeRecord, State};
use ostler_vocabulary::{ErrorKind, Failure, OperationId, Timestamp};

use super::super::{Runtime, documents};
use super::host;
use crate::webhook::message::{event_of, of_missed, of_operation, of_overdue};
use crate::webhook::outbox::{NewMessage, Receiver, Webhook};

/// Changes that are looked at in one go.
const CHANGES: usize = 200;
/// Runs of a schedule that are looked at.
const RUNS: u32 = 20;
/// Operations that are looked at for owners that died.
const OPERATIONS: usize = 100;
/// An owner may have died so long after it last said that it was alive.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(5);
/// What happened longer ago is no news.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

impl Runtime {
    /// Puts all changes of state since the last time into the outbox, exactly once each, whichever process made them.
    pub(crate) async fn fill_outbox(&self) -> Result<(), Failure> {
        loop {
            let newest = self.journal(|engine| engine.newest_change()).await?;
            let (after, webhooks) = self
                .outbox(move |outbox| Ok((outbox.cursor(newest)?, outbox.webhooks()?)))
                .await?;
            let changes = self.journal(move |engine| engine.changes(after, CHANGES)).await?;
            let Some(last) = changes.last().map(|change| change.number) else {
                return Ok(());
            };
            let mut messages = Vec::new();
            let mut done = Vec::new();
            for change in &changes {
                if let Some(message) = self.result_of(change).await? {
                    messages.push(message);
                    done.push(change.operation);
                }
                messages.extend(self.told_of(change, &webhooks).await?);
            }
            let now = self.inner.clock.now();
            self.outbox(move |outbox| Ok(outbox.fill(&messages, &done, Some(last), now)?))
                .await?;
        }
    }

    /// The message to whoever asked for the outcome of an operation, when it is over.
    async fn result_of(&self, change: &ChangeRecord) -> Result<Option<NewMessage>, Failure> {
        if !change.state.is_over() {
            return Ok(None);
        }
        let operation = change.operation;
        let url = self.outbox(move |outbox| Ok(outbox.callback(operation)?)).await?;
        let (Some(url), Some(event), Some(detail)) =
            (url, event_of(change.state), self.recorded(operation).await?)
        else {
            return Ok(None);
        };
        Ok(Some(NewMessage {
            to: Receiver::Url(url),
            key: key(operation, change.epoch, event),
            event,
            subject: detail.summary.subject.clone(),
            body: of_operation(HookFormat::Full, event, &detail, change.at, &host()),
        }))
    }

    async fn told_of(&self, change: &ChangeRecord, webhooks: &[Webhook]) -> Result<Vec<NewMessage>, Failure> {
        let Some(event) = event_of(change.state) else {
            return Ok(Vec::new());
        };
        let told: Vec<&Webhook> = interested(webhooks, event, change.at).collect();
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let Some(detail) = self.recorded(change.operation).await? else {
            return Ok(Vec::new());
        };
        Ok(told
            .into_iter()
            .map(|webhook| operation_message(webhook, event, &detail, change.epoch, change.at))
            .collect())
    }

    /// An operation as it is recorded now; `None` when its history was removed.
    async fn recorded(&self, id: OperationId) -> Result<Option<OperationDetail>, Failure> {
        match self.journal(move |engine| engine.get(id)).await {
            Ok(record) => Ok(Some(documents::detail(record))),
            Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Tells of schedules that are overdue, once until something of them runs.
    async fn overdue(&self, webhooks: &[Webhook], now: Timestamp) -> Result<Vec<NewMessage>, Failure> {
        let ScheduleAnswer::List(list) = self.schedule_call(ScheduleCall::List).await? else {
            return Ok(Vec::new());
        };
        let late = list.schedules.iter().filter_map(|one| Some((one, one.overdue?)));
        Ok(late
            .filter(|(_, since)| is_news(*since, now))
            .flat_map(|(one, since)| {
                interested(webhooks, HookEvent::Overdue, now).map(move |webhook| NewMessage {
                    to: Receiver::Webhook(webhook.name.clone()),
                    // The same until something of it runs.
                    key: format!(
                        "overdue-{}-{}",
                        one.schedule.name,
                        one.last.as_ref().map_or(0, |last| last.number)
                    ),
                    event: HookEvent::Overdue,
                    subject: one.schedule.name.clone(),
                    body: of_overdue(webhook.definition.format, one, since, &host()),
                })
            })
            .collect())
    }

    /// Tells what no process recorded: operations whose owner died, runs that schedules let go by, and those that nobody
    /// begins.
    pub(crate) async fn tell_the_silent(&self) -> Result<(), Failure> {
        let now = self.inner.clock.now();
        let webhooks = self.outbox(|outbox| Ok(outbox.webhooks()?)).await?;
        if webhooks.is_empty() {
            return Ok(());
        }
        let mut messages = Vec::new();
        let records = self.journal(|engine| engine.list(OPERATIONS, None)).await?;
        for record in records
            .into_iter()
            .filter(|record| record.state == State::Interrupted && is_news(record.heartbeat, now))
        {
            let (epoch, at) = (record.epoch, record.heartbeat);
            let id = record.id;
            let record = self.journal(move |engine| engine.get(id)).await?;
            if (record.epoch, record.state) != (epoch, State::Interrupted) {
                continue;
            }
            let detail = documents::detail(record);
            let event = HookEvent::Interrupted;
            messages.extend(
                interested(&webhooks, event, at.checked_add(HEARTBEAT).unwrap_or(at))
                    .map(|webhook| operation_message(webhook, event, &detail, epoch, at)),
            );
        }
        let missed = self
            .timetable(|timetable| {
                let mut missed: HashMap<u64, Firing> = HashMap::new();
                for entry in timetable.list()? {
                    let runs = timetable.firings(&entry.schedule.name, RUNS)?;
                    let runs = runs.into_iter().filter(|run| run.state == FiringState::Missed);
                    missed.extend(runs.map(|run| (run.number, run)));
                }
                Ok(missed)
            })
            .await?;
        for run in missed.values().filter(|run| is_news(run.began, now)) {
            messages.extend(
                interested(&webhooks, HookEvent::Missed, run.began).map(|webhook| NewMessage {
                    to: Receiver::Webhook(webhook.name.clone()),
                    key: format!("missed-{}", run.number),
                    event: HookEvent::Missed,
                    subject: run.schedule.clone(),
                    body: of_missed(webhook.definition.format, run, &host()),
                }),
            );
        }
        messages.extend(self.overdue(&webhooks, now).await?);
        let keep = self.inner.settings.file.history.keep.0;
        self.outbox(move |outbox| {
            outbox.fill(&messages, &[], None, now)?;
            if let Ok(before) = now.checked_sub(keep) {
                outbox.forget(before)?;
            }
            Ok(())
        })
        .await
    }
}

fn is_news(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < NEWS
}

/// Who is told such things, and was there when it happened.
fn interested(webhooks: &[Webhook], event: HookEvent, at: Timestamp) -> impl Iterator<Item = &Webhook> {
    webhooks
        .iter()
        .filter(move |webhook| webhook.created <= at && webhook.definition.on.contains(&event))
}

fn operation_message(
    webhook: &Webhook,
    event: HookEvent,
    detail: &OperationDetail,
    epoch: u64,
    at: Timestamp,
) -> NewMessage {
    NewMessage {
        to: Receiver::Webhook(webhook.name.clone()),
        key: key(detail.summary.id, epoch, event),
        event,
        subject: detail.summary.subject.clone(),
        body: of_operation(webhook.definition.format, event, detail, at, &host()),
    }
}

/// What names a change, however it was noticed.
fn key(operation: OperationId, epoch: u64, event: HookEvent) -> String {
    format!("{operation}-{epoch}-{}", event.as_str())
}
