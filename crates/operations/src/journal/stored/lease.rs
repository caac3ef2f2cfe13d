//! Named leases, each inside a transaction of the caller.

use std::time::Duration;

use ostler_state::{Transaction, values};
use ostler_vocabulary::{ProcessIdentity, Timestamp};

use super::queries;
use crate::error::Error;
use crate::journal::LeaseHolder;
use crate::journal::row::{self, json, millis, signed};
use crate::journal::rules::is_gone;

pub(super) fn acquire(
    db: &Transaction<'_>,
    name: &str,
    purpose: &str,
    owner: &ProcessIdentity,
    silence: Duration,
    now: Timestamp,
) -> Result<LeaseHolder, Error> {
    let epoch = match row::lease(db, name)? {
        Some(row::Lease {
            owner: Some(owner),
            purpose,
            heartbeat,
            ..
        }) if !is_gone(&owner, heartbeat, silence, now) => {
            return Err(Error::LeaseHeld {
                name: name.to_owned(),
                purpose,
                owner,
            });
        }
        Some(last) => last.epoch.saturating_add(1),
        None => 1,
    };
    db.execute(
        queries::ACQUIRE_LEASE,
        &values![name, purpose, json(owner)?, signed(epoch), millis(now)],
    )?;
    Ok(LeaseHolder {
        name: name.to_owned(),
        owner: owner.clone(),
        epoch,
    })
}

pub(super) fn confirm(db: &Transaction<'_>, holder: &LeaseHolder, now: Timestamp) -> Result<(), Error> {
    let changed = db.execute(
        queries::CONFIRM_LEASE,
        &values![
            holder.name,
            signed(holder.epoch),
            json(&holder.owner)?,
            millis(now)
        ],
    )?;
    lost_unless(changed, holder)
}

pub(super) fn surrender(db: &Transaction<'_>, holder: &LeaseHolder) -> Result<(), Error> {
    let changed = db.execute(
        queries::SURRENDER_LEASE,
        &values![holder.name, signed(holder.epoch), json(&holder.owner)?],
    )?;
    lost_unless(changed, holder)
}

fn lost_unless(changed: usize, holder: &LeaseHolder) -> Result<(), Error> {
    if changed == 0 {
        return Err(Error::LeaseLost {
            name: holder.name.clone(),
            epoch: holder.epoch,
        });
    }
    Ok(())
}
