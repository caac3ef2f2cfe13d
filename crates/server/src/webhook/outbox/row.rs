//! Rows of the outbox as values.

use std::collections::BTreeMap;

use ostler_api::webhook::{Delivery, HookEvent, SigningSecret};
use ostler_vocabulary::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Claimed, Counts, NewMessage, Receiver, Webhook, queries};
use crate::state_file::unreadable;

pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|error| unreadable(index, error))
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| unreadable(index, error))
}

fn event(row: &Row<'_>, index: usize) -> rusqlite::Result<HookEvent> {
    let word: String = row.get(index)?;
    serde_json::from_value(word.into()).map_err(|error| unreadable(index, error))
}

fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(index)?).map_err(|error| unreadable(index, error))
}

pub(super) fn optional_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(index)? {
        Some(_) => time(row, index).map(Some),
        None => Ok(None),
    }
}

pub(super) fn webhooks(db: &rusqlite::Transaction<'_>) -> rusqlite::Result<Vec<Webhook>> {
    let mut statement = db.prepare_cached(queries::WEBHOOKS)?;
    let rows = statement.query_map([], |row| {
        Ok(Webhook {
            name: row.get(0)?,
            created: time(row, 1)?,
            definition: parsed(row, 2)?,
            secret: SigningSecret::new(row.get::<_, String>(3)?),
            pending: unsigned(row, 4)?,
            given_up: unsigned(row, 5)?,
        })
    })?;
    rows.collect()
}

pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: id(&row.get::<_, String>(1)?),
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

pub(super) fn add(
    db: &Connection,
    message: &NewMessage,
    now: Timestamp,
    due: Timestamp,
) -> rusqlite::Result<()> {
    let (webhook, url) = match &message.to {
        Receiver::Webhook(name) => (Some(name), None),
        Receiver::Url(url) => (None, Some(url)),
    };
    let values = params![
        webhook,
        url,
        message.key,
        message.event.as_str(),
        message.subject,
        message.body,
        millis(now),
        millis(due)
    ];
    db.prepare_cached(queries::ADD_DELIVERY)?
        .execute(values)
        .map(drop)
}

fn receiver(row: &Row<'_>, webhook: usize, url: usize) -> rusqlite::Result<Receiver> {
    Ok(match row.get::<_, Option<String>>(webhook)? {
        Some(name) => Receiver::Webhook(name),
        None => Receiver::Url(row.get(url)?),
    })
}

pub(super) fn receiver_of(db: &Connection, number: i64) -> rusqlite::Result<Receiver> {
    db.prepare_cached(queries::RECEIVER)?
        .query_row([number], |row| receiver(row, 0, 1))
}

/// `None` when it is not due any more.
pub(super) fn claim(
    db: &Connection,
    number: i64,
    now: Timestamp,
    again: Timestamp,
) -> rusqlite::Result<Option<Claimed>> {
    db.prepare_cached(queries::CLAIM)?
        .query_row(params![number, millis(now), millis(again)], |row| {
            Ok(Claimed {
                number: unsigned(row, 0)?,
                to: receiver(row, 1, 2)?,
                id: id(&row.get::<_, String>(3)?),
                body: row.get(5)?,
                attempts: row.get(6)?,
            })
        })
        .optional()
}

pub(super) fn counts(db: &rusqlite::Transaction<'_>) -> rusqlite::Result<BTreeMap<String, Counts>> {
    let mut statement = db.prepare_cached(queries::COUNTS)?;
    let rows = statement.query_map([], |row| {
        let webhook: String = row.get(0)?;
        let counts = Counts {
            webhook: webhook.clone(),
            pending: unsigned(row, 1)?,
            delivered: unsigned(row, 2)?,
            given_up: unsigned(row, 3)?,
            oldest: optional_time(row, 4)?,
        };
        Ok((webhook, counts))
    })?;
    rows.collect()
}
