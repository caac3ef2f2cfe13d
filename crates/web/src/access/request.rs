//! Which request was made before, and which plan.

use std::str::FromStr as _;
use std::time::Duration;

use ostler_api::Plan;
use ostler_vocabulary::OperationId;
use rusqlite::params;

use super::{Access, millis};
use crate::Error;

/// How long it is remembered.
const STARTED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of a request that names itself by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is new, and ours to carry out.
    New,
    /// It was carried out.
    Done(OperationId),
    /// Somebody carries it out now, or died over it.
    Pending,
    /// The key stands for another request.
    Other,
}

impl Access {
    /// What is known of this request of this caller. A new one is recorded as begun.
    pub(crate) fn begin(&self, owner: &str, key: &str, request: &[u8]) -> Result<Begun, Error> {
        let hash = blake3::hash(request);
        let now = self.now();
        self.call("change", |db| {
            let oldest = now.saturating_sub(millis(STARTED));
            db.execute(include_str!("sql/forget_started.sql"), [oldest])?;
            if db.execute(
                include_str!("sql/begin.sql"),
                params![owner, key, hash.as_bytes(), now],
            )? == 1
            {
                return Ok(Begun::New);
            }
            let (known, operation): (Vec<u8>, Option<String>) =
                db.query_row(include_str!("sql/begun.sql"), [owner, key], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(match operation.and_then(|id| OperationId::from_str(&id).ok()) {
                _ if known != hash.as_bytes() => Begun::Other,
                Some(id) => Begun::Done(id),
                None => Begun::Pending,
            })
        })
    }

    /// The request came to this operation; without one it failed, and may be made again.
    pub(crate) fn conclude(
        &self,
        owner: &str,
        key: &str,
        operation: Option<OperationId>,
    ) -> Result<(), Error> {
        self.call("change", |db| match operation {
            Some(id) => db.execute(
                include_str!("sql/record.sql"),
                params![owner, key, id.to_string()],
            ),
            None => db.execute(include_str!("sql/withdraw.sql"), params![owner, key]),
        })?;
        Ok(())
    }

    /// Keeps a plan for a day.
    pub(crate) fn keep_plan(&self, plan: &Plan) -> Result<(), Error> {
        let now = self.now();
        let json = serde_json::to_string(plan).unwrap_or_default();
        self.call("change", |db| {
            db.execute(
                include_str!("sql/forget_plans.sql"),
                [now.saturating_sub(millis(STARTED))],
            )?;
            db.execute(include_str!("sql/keep_plan.sql"), params![plan.digest, json, now])
        })?;
        Ok(())
    }

    /// The plan whose digest begins so; `None` when there is none, or more than one.
    pub(crate) fn plan(&self, digest: &str) -> Result<Option<Plan>, Error> {
        let found: Vec<String> = self.call("read", |db| {
            let mut statement = db.prepare_cached(include_str!("sql/plan.sql"))?;
            statement.query_map([digest], |row| row.get(0))?.collect()
        })?;
        Ok(match found.as_slice() {
            [one] => serde_json::from_str(one).ok(),
            _ => None,
        })
    }
}
