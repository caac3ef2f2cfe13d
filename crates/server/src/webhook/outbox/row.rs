//! Rows of the outbox as values.

use std::collections::BTreeMap;

use ostler_api::webhook::{Delivery, HookEvent, SigningSecret};
use ostler_state::{Error, Row, Transaction, values};
use ostler_vocabulary::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Claimed, Counts, NewMessage, Receiver, Webhook, queries};

pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn unsigned(row: &Row, index: usize) -> Result<u64, Error> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|error| row.unreadable(index, error))
}

fn parsed<T: DeserializeOwned>(row: &Row, index: usize) -> Result<T, Error> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| row.unreadable(index, error))
}

fn event(row: &Row, index: usize) -> Result<HookEvent, Error> {
    let word: String = row.get(index)?;
    serde_json::from_value(word.into()).map_err(|error| row.unreadable(index, error))
}

fn time(row: &Row, index: usize) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(row.get(index)?).map_err(|error| row.unreadable(index, error))
}

pub(super) fn optional_time(row: &Row, index: usize) -> Result<Option<Timestamp>, Error> {
    match row.get::<Option<i64>>(index)? {
        Some(_) => time(row, index).map(Some),
        None => Ok(None),
    }
}

pub(super) fn webhooks(db: &Transaction<'_>) -> Result<Vec<Webhook>, Error> {
    let webhook = |row: &Row| {
        Ok(Webhook {
            name: row.get(0)?,
            created: time(row, 1)?,
            definition: parsed(row, 2)?,
            secret: SigningSecret::new(row.get::<String>(3)?),
            pending: unsigned(row, 4)?,
            given_up: unsigned(row, 5)?,
        })
    };
    db.query(queries::WEBHOOKS, &[])?.iter().map(webhook).collect()
}

pub(super) fn delivery(row: &Row) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: id(&row.get::<String>(1)?),
        event: event(row, 2)?,
        subject: row.get(3)?,
        created: time(row, 4)?,
        attempts: row.get(5)?,
        next: optional_time(row, 6)?,
        delivered: optional_time(row, 7)?,
        failure: row.get(8)?,
    })
}

/// The message's id, made of what it tells.
fn id(key: &str) -> String {
    format!("msg_{key}")
}

/// Its number; `None` when it is there already.
pub(super) fn add(
    db: &Transaction<'_>,
    message: &NewMessage,
    now: Timestamp,
    due: Timestamp,
) -> Result<Option<i64>, Error> {
    let (webhook, url) = match &message.to {
        Receiver::Webhook(name) => (Some(name), None),
        Receiver::Url(url) => (None, Some(url)),
    };
    let values = values![
        webhook,
        url,
        message.key,
        message.event.as_str(),
        message.subject,
        message.body,
        millis(now),
        millis(due)
    ];
    db.optional(queries::ADD_DELIVERY, &values)?
        .map(|row| row.get(0))
        .transpose()
}

fn receiver(row: &Row, webhook: usize, url: usize) -> Result<Receiver, Error> {
    Ok(match row.get::<Option<String>>(webhook)? {
        Some(name) => Receiver::Webhook(name),
        None => Receiver::Url(row.get(url)?),
    })
}

pub(super) fn receiver_of(db: &Transaction<'_>, number: i64) -> Result<Receiver, Error> {
    receiver(&db.one(queries::RECEIVER, &values![number])?, 0, 1)
}

/// `None` when it is not due any more.
pub(super) fn claim(
    db: &Transaction<'_>,
    number: i64,
    now: Timestamp,
    again: Timestamp,
) -> Result<Option<Claimed>, Error> {
    let Some(row) = db.optional(queries::CLAIM, &values![number, millis(now), millis(again)])? else {
        return Ok(None);
    };
    Ok(Some(Claimed {
        number: unsigned(&row, 0)?,
        to: receiver(&row, 1, 2)?,
        id: id(&row.get::<String>(3)?),
        body: row.get(5)?,
        attempts: row.get(6)?,
    }))
}

pub(super) fn counts(db: &Transaction<'_>) -> Result<BTreeMap<String, Counts>, Error> {
    let counted = |row: &Row| {
        let webhook: String = row.get(0)?;
        let counts = Counts {
            webhook: webhook.clone(),
            pending: unsigned(row, 1)?,
            delivered: unsigned(row, 2)?,
            given_up: unsigned(row, 3)?,
            oldest: optional_time(row, 4)?,
        };
        Ok((webhook, counts))
    };
    db.query(queries::COUNTS, &[])?.iter().map(counted).collect()
}
