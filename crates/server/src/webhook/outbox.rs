//! The outbox: what is to be told to whom, in a database of the state.
//!
//! Contract: every method is one transaction; what returned `Ok` survives a crash of the process and of the machine. A
//! message is recorded once, however often it is added, and stays until its receiver took it or it was given up. Any
//! number of threads and processes may call at once; a claimed message is given to one of them, for [`CLAIM`].

mod queries;
mod row;

use std::collections::BTreeMap;
use std::time::Duration;

use ostler_api::webhook::{Delivery, HookDefinition, HookEvent, SigningSecret};
use ostler_state::{Database, Error, Kind, Place, values};
use ostler_vocabulary::{OperationId, Timestamp};

use row::millis;

const KIND: Kind = Kind {
    file_name: "webhooks.db",
    schema: "webhooks",
    what: "outbox of webhooks",
    // `OSTW`
    application: 0x4F53_5457,
    sqlite: &[include_str!("outbox/migrations/0001_outbox.sql")],
    postgres: &[include_str!("outbox/migrations/postgres/0001_outbox.sql")],
    program: env!("CARGO_PKG_VERSION"),
};

/// After this, a message whose sender says nothing is due again. Longer than any request takes.
const CLAIM: Duration = Duration::from_secs(60);

/// A webhook as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub name: String,
    pub created: Timestamp,
    pub definition: HookDefinition,
    pub secret: SigningSecret,
    pub pending: u64,
    pub given_up: u64,
}

/// A message that is to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub to: Receiver,
    /// What it tells; a receiver is told it once.
    pub key: String,
    pub event: HookEvent,
    pub subject: String,
    pub body: String,
}

/// To whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Receiver {
    /// A webhook, by its name.
    Webhook(String),
    /// Whoever asked for the outcome of one operation, at this URL.
    Url(String),
}

/// A message that is ours to send.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub number: u64,
    pub to: Receiver,
    /// The same however often it is sent.
    pub id: String,
    pub body: String,
    /// With this one.
    pub attempts: u32,
}

/// How an attempt went.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub delivered: Option<Timestamp>,
    /// When it is sent again; `None` when it was taken or given up.
    pub next: Option<Timestamp>,
    pub failure: Option<String>,
}

/// What became of the messages of one receiver, as far as they are remembered; `""` is who asked for outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub webhook: String,
    pub pending: u64,
    pub delivered: u64,
    pub given_up: u64,
    /// When the oldest message was made that waits.
    pub oldest: Option<Timestamp>,
}

/// The outbox, open.
#[derive(Debug)]
pub(crate) struct Outbox {
    db: Database,
}

impl Outbox {
    /// Opens or makes it where the state is.
    pub fn open(place: &Place) -> Result<Self, Error> {
        Ok(Self {
            db: Database::open(&KIND, place)?,
        })
    }

    /// Adds a webhook, which is told what happens from now on: `newest` is the newest change there is. Whether there was
    /// none of that name.
    pub fn add(
        &self,
        name: &str,
        definition: &HookDefinition,
        secret: &SigningSecret,
        newest: u64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let definition = row::json(definition);
        self.db.write(|db| {
            if db.one(queries::WEBHOOK_EXISTS, &values![name])?.get(0)? {
                return Ok(false);
            }
            db.execute(queries::BEGIN_AT, &values![row::signed(newest)])?;
            let values = values![name, millis(now), definition, secret.reveal()];
            db.execute(queries::ADD_WEBHOOK, &values).map(|_| true)
        })
    }

    /// Removes a webhook with all its messages. Whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        self.db
            .write(|db| db.execute(queries::REMOVE_WEBHOOK, &values![name]))
            .map(|removed| removed == 1)
    }

    /// All webhooks, by name.
    pub fn webhooks(&self) -> Result<Vec<Webhook>, Error> {
        self.db.read(row::webhooks)
    }

    /// The newest messages of a webhook, the newest first.
    pub fn deliveries(&self, name: &str, limit: u32) -> Result<Vec<Delivery>, Error> {
        self.db.read(|db| {
            let rows = db.query(queries::DELIVERIES, &values![name, limit])?;
            rows.iter().map(row::delivery).collect()
        })
    }

    /// Up to which change of the journal it was filled; `newest` where it never was, which is then remembered.
    pub fn cursor(&self, newest: u64) -> Result<u64, Error> {
        self.db.write(|db| {
            db.execute(queries::BEGIN_AT, &values![row::signed(newest)])?;
            row::unsigned(&db.one(queries::CURSOR, &[])?, 0)
        })
    }

    /// Records messages, and up to which change that fills it; the address of a result is forgotten with its message.
    pub fn fill(
        &self,
        messages: &[NewMessage],
        done: &[OperationId],
        up_to: Option<u64>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.db.write(|db| {
            for message in messages {
                row::add(db, message, now, now)?;
            }
            for operation in done {
                db.execute(queries::REMOVE_CALLBACK, &values![operation.to_string()])?;
            }
            if let Some(number) = up_to {
                db.execute(queries::ADVANCE, &values![row::signed(number)])?;
            }
            Ok(())
        })
    }

    /// Records a message and takes it at once.
    pub fn add_claimed(&self, message: &NewMessage, now: Timestamp) -> Result<Option<Claimed>, Error> {
        self.db.write(|db| match row::add(db, message, now, now)? {
            Some(number) => row::claim(db, number, now, later(now, CLAIM)),
            None => Ok(None),
        })
    }

    /// Takes of each receiver the message that is due longest, but of those in `busy`, and at most so many.
    pub fn claim(&self, busy: &[Receiver], limit: usize, now: Timestamp) -> Result<Vec<Claimed>, Error> {
        self.db.write(|db| {
            let mut claimed = Vec::new();
            for row in db.query(queries::DUE, &values![millis(now)])? {
                let number = row.get(0)?;
                if claimed.len() >= limit {
                    break;
                }
                if busy.contains(&row::receiver_of(db, number)?) {
                    continue;
                }
                claimed.extend(row::claim(db, number, now, later(now, CLAIM))?);
            }
            Ok(claimed)
        })
    }

    /// Records how an attempt went.
    pub fn settle(&self, number: u64, settled: &Settled) -> Result<(), Error> {
        self.db.write(|db| {
            let values = values![
                row::signed(number),
                settled.next.map(millis),
                settled.delivered.map(millis),
                settled.failure
            ];
            db.execute(queries::SETTLE, &values).map(drop)
        })
    }

    /// Records where the outcome of an operation is sent, before it starts.
    pub fn add_callback(
        &self,
        operation: OperationId,
        url: &str,
        newest: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.db.write(|db| {
            db.execute(queries::BEGIN_AT, &values![row::signed(newest)])?;
            let values = values![operation.to_string(), url, millis(now)];
            db.execute(queries::ADD_CALLBACK, &values).map(drop)
        })
    }

    /// Forgets it, because the operation did not start.
    pub fn remove_callback(&self, operation: OperationId) -> Result<(), Error> {
        self.db.write(|db| {
            db.execute(queries::REMOVE_CALLBACK, &values![operation.to_string()])
                .map(drop)
        })
    }

    /// Where the outcome of an operation is sent.
    pub fn callback(&self, operation: OperationId) -> Result<Option<String>, Error> {
        self.db.read(|db| {
            db.optional(queries::CALLBACK, &values![operation.to_string()])?
                .map(|row| row.get(0))
                .transpose()
        })
    }

    /// Forgets messages that were taken or given up and are older than this.
    pub fn forget(&self, before: Timestamp) -> Result<usize, Error> {
        self.db
            .write(|db| db.execute(queries::FORGET, &values![millis(before)]))
    }

    /// What became of the messages, by receiver.
    pub fn counts(&self) -> Result<BTreeMap<String, Counts>, Error> {
        self.db.read(row::counts)
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
