//! `vault key rotate`

use std::sync::Arc;

use ostler_api::document::{KeyReport, Outcome};
use ostler_api::keys::KeyWork;
use ostler_operations::{Finished, Operation};
use ostler_vault::{Collected, Collecting, Index, Lease};
use ostler_vocabulary::{BackupId, ByteSize, ErrorKind, Failure, Unit};
use serde::{Deserialize, Serialize};

use crate::Context;
use crate::restore::finished;

/// So many times space is freed and packs are written anew before the rest is left to another run.
const ROUNDS: usize = 10_000;

/// Room with which re-encrypting everything may begin, however much there is, beside [`KEPT_ROOM`].
const LEAST_ROOM: u64 = 64 << 20;
/// Room that stays free.
const KEPT_ROOM: u64 = 12 << 20;

const LOCKED: &str = "the vault locks its objects: what is re-encrypted stays beside the new until its locks are over, \
                      and so long the vault is twice as large";

/// Works out what there is to be done.
pub(super) async fn look(context: &Context, compromised: bool, work: &mut KeyWork) -> Result<(), Failure> {
    if !compromised {
        return Ok(());
    }
    let index = context.vault.index(false).await;
    let index = index.map_err(context.attempting("read its index"))?;
    let pending = context.vault.giving_up();
    work.epoch = context.vault.current_epoch();
    // An earlier rotation that is not finished is finished with the new one, which gives up all epochs before it. Where what
    // was sealed is locked, another epoch would be another that waits for the end of locks.
    work.goes_on =
        context.vault.lock_span().is_some() && pending.is_some() && context.vault.stray_epochs().is_empty();
    work.reencrypt_bytes = match pending {
        Some(before) if work.goes_on => index.bytes_before(before)?,
        _ => index.bytes(),
    };
    enough_room(context, work.reencrypt_bytes).await?;
    if context.vault.lock_span().is_some() {
        work.warnings.push(LOCKED.to_owned());
    }
    for key in &work.keys {
        work.warnings.push(format!(
            "the {} {} will open what is re-encrypted: if it is the one that leaked, remove it first",
            key.summary.kind,
            super::short(&key.summary.id)
        ));
    }
    Ok(())
}

/// What one round of encrypting anew left.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Round {
    old_bytes: u64,
    /// Bytes that were written in the place of others.
    #[serde(default)]
    anew: u64,
    waits: bool,
}

pub(super) async fn run(
    compromised: bool,
    work: &KeyWork,
    op: &Operation,
    context: &Context,
) -> Result<Finished, Failure> {
    if compromised {
        enough_room(context, work.reencrypt_bytes).await?;
    }
    let lease = context.lease(op, "rotating the keys").await?;
    op.commit().await?;
    let epoch = new_epoch(compromised, work, op, context, &lease).await;
    // What is sealed with the old secrets is taken anew.
    context.release(lease).await;
    let epoch = epoch?;
    if !compromised {
        let report = KeyReport {
            done: "rotated".to_owned(),
            epoch,
            ..KeyReport::default()
        };
        return finished(Outcome::Keys(report), Vec::new());
    }
    let lease = context.lease(op, "re-encrypting everything").await?;
    let given_up = give_up(work, op, context, &lease).await;
    context.release(lease).await;
    given_up
}

async fn new_epoch(
    compromised: bool,
    work: &KeyWork,
    op: &Operation,
    context: &Context,
    lease: &Lease,
) -> Result<u32, Failure> {
    op.step("new epoch")
        .retries(3)
        .run(|_| async {
            if work.goes_on {
                return Ok(context.vault.current_epoch());
            }
            op.audit(
                "rotate keys",
                &context.vault_name,
                0,
                match compromised {
                    true => "asked for, because secrets have leaked",
                    false => "asked for",
                },
            )
            .await?;
            let rotated = context
                .vault
                .rotate(work.epoch, compromised, op.id(), lease)
                .await;
            rotated.map_err(context.attempting("rotate its keys"))
        })
        .await
}

/// Refuses to encrypt anew what a file system has no room for: old packs go only after the new ones are stored. Packs are
/// written anew by as many as fit.
async fn enough_room(context: &Context, bytes: u64) -> Result<(), Failure> {
    let room = context.vault.room().await;
    let Some(room) = room.map_err(context.attempting("see how much room it has"))? else {
        return Ok(());
    };
    let needed = bytes.min(LEAST_ROOM) + KEPT_ROOM;
    if room >= needed {
        return Ok(());
    }
    let lacking = (needed - room).div_ceil(1 << 20);
    Err(Failure::new(
        ErrorKind::Refused,
        format!(
            "vault `{}`: re-encrypting everything needs {} of room, and {} are free",
            context.vault_name,
            ByteSize(needed),
            ByteSize(room)
        ),
    )
    .with_hint(format!(
        "free {lacking} MiB in the file system of {}, such as by `ostler backup prune`, and repeat the command; nothing was \
         changed",
        context.vault.store().location()
    )))
}

async fn give_up(
    work: &KeyWork,
    op: &Operation,
    context: &Context,
    lease: &Arc<Lease>,
) -> Result<Finished, Failure> {
    let told = |what: String| op.message(what);
    let how = Collecting {
        told: &told,
        ..Collecting::default()
    };
    let mut waits_for: Vec<BackupId> = op
        .step("settle writers")
        .retries(3)
        .run(|step| async move {
            let settled = context.vault.settle_old_writers(how, &step.cancelled).await;
            settled.map_err(context.attempting("see who writes to it"))
        })
        .await?;
    let mut old_bytes = u64::MAX;
    for number in 1..=ROUNDS {
        let round = reencrypt(number, op, context, lease, how).await?;
        // Where objects are locked, the old ones stay though they are written anew.
        let stands = round.old_bytes >= old_bytes && round.anew == 0;
        let is_over = round.old_bytes == 0 || round.waits || stands;
        old_bytes = round.old_bytes;
        if is_over {
            break;
        }
    }
    op.step("seal records anew")
        .unit(Unit::Objects)
        .retries(3)
        .run(|step| async move {
            let sealed = context
                .vault
                .seal_anew(lease, &step.progress, &step.cancelled)
                .await;
            sealed.map_err(context.attempting("seal its records anew"))
        })
        .await?;
    let left: Vec<String> = op
        .step("give up old epochs")
        .retries(3)
        .run(|step| async move {
            let left = context.vault.give_up_old_epochs(lease, &step.cancelled).await;
            left.map_err(context.attempting("give up its old key epochs"))
        })
        .await?;
    if left.is_empty() {
        waits_for.clear();
    }
    let index = context.vault.index(false).await;
    let index = index.map_err(context.attempting("read its index"))?;
    let report = KeyReport {
        done: match left.is_empty() && context.vault.giving_up().is_none() {
            true if work.goes_on => "finished",
            true => "given up",
            false => "rotated",
        }
        .to_owned(),
        epoch: context.vault.current_epoch(),
        bytes: index.bytes(),
        old_bytes: still_old(context.vault.giving_up(), &index)?,
        left: left.clone(),
        waits_for: waits_for.clone(),
        ..KeyReport::default()
    };
    let locked = context.vault.locked_for(&left).await;
    let locked = locked.map_err(context.attempting("look at its locks"))?;
    let partial = match (left.first(), waits_for.first(), locked) {
        (None, ..) => Vec::new(),
        (Some(_), Some(backup), _) => vec![format!(
            "backup {} is being made with the old keys: run it again when that is over",
            backup.short()
        )],
        (Some(_), None, Some(until)) => vec![format!(
            "what the old keys have sealed is locked until {until}, though nothing of it is needed: run it again then"
        )],
        (Some(first), None, None) => vec![match left.len() - 1 {
            0 => format!("{first} still needs the old keys"),
            more => format!("{first} and {more} more objects still need the old keys"),
        }],
    };
    finished(Outcome::Keys(report), partial)
}

/// Bytes that are sealed with secrets which are to be given up.
fn still_old(before: Option<u32>, index: &Index) -> Result<u64, Failure> {
    Ok(match before {
        Some(before) => index.bytes_before(before)?,
        None => 0,
    })
}

async fn reencrypt(
    number: usize,
    op: &Operation,
    context: &Context,
    lease: &Arc<Lease>,
    how: Collecting<'_>,
) -> Result<Round, Failure> {
    op.step("encrypt anew")
        .key(number.to_string())
        .unit(Unit::Bytes)
        .retries(3)
        .run(|step| async move {
            let collected: Collected = context
                .vault
                .collect(lease, how, &step.progress, &step.cancelled)
                .await
                .map_err(context.attempting("encrypt it anew"))?;
            let index = context.vault.index(true).await;
            let index = index.map_err(context.attempting("read its index"))?;
            let before = context.vault.giving_up();
            let old_bytes = still_old(before, &index)?;
            op.message(format!(
                "{} of {} are still sealed with old keys",
                ByteSize(old_bytes),
                ByteSize(index.bytes())
            ));
            Ok(Round {
                old_bytes,
                anew: collected.bytes_anew,
                waits: !collected.waits_for.is_empty(),
            })
        })
        .await
}
