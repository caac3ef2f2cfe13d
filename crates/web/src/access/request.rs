//! Which request was made before, and which plan.

use std::str::FromStr as _;
use std::time::Duration;

use ostler_api::Plan;
use ostler_state::values;
use ostler_vocabulary::OperationId;

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
        self.change(|db| {
            let oldest = now.saturating_sub(millis(STARTED));
            db.execute(include_str!("sql/forget_started.sql"), &values![oldest])?;
            if db.execute(
                include_str!("sql/begin.sql"),
                &values![owner, key, hash.as_bytes(), now],
            )? == 1
            {
                return Ok(Begun::New);
            }
            let row = db.one(include_str!("sql/begun.sql"), &values![owner, key])?;
            let (known, operation): (Vec<u8>, Option<String>) = (row.get(0)?, row.get(1)?);
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
        self.change(|db| match operation {
            Some(id) => db.execute(
                include_str!("sql/record.sql"),
                &values![owner, key, id.to_string()],
            ),
            None => db.execute(include_str!("sql/withdraw.sql"), &values![owner, key]),
        })?;
        Ok(())
    }

    /// Keeps a plan for a day, for who made it.
    pub(crate) fn keep_plan(&self, maker: &str, plan: &Plan) -> Result<(), Error> {
        let now = self.now();
        let json = serde_json::to_string(plan).map_err(|source| Error::Plan { source })?;
        self.change(|db| {
            db.execute(
                include_str!("sql/forget_plans.sql"),
                &values![now.saturating_sub(millis(STARTED))],
            )?;
            db.execute(
                include_str!("sql/keep_plan.sql"),
                &values![maker, plan.digest, json, now],
            )
        })?;
        Ok(())
    }

    /// Reads the plan of this maker whose digest begins so, where exactly one of the last day does.
    pub(crate) fn plan(&self, maker: &str, digest: &str) -> Result<Option<Plan>, Error> {
        let oldest = self.now().saturating_sub(millis(STARTED));
        let found: Vec<String> = self.read(|db| {
            let rows = db.query(include_str!("sql/plan.sql"), &values![maker, digest, oldest])?;
            rows.iter().map(|row| row.get(0)).collect()
        })?;
        Ok(match found.as_slice() {
            [one] => serde_json::from_str(one).ok(),
            _ => None,
        })
    }
}
