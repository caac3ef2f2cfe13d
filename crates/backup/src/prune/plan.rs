//! What a prune or a deletion would remove.

use ostler_api::document::BackupState;
use ostler_api::request::{Decision, Delete, Plan, Prune, PruneWork, Request, Work};
use ostler_vault::Glance;
use ostler_vocabulary::{BackupId, Failure};

use super::{DELETE_KIND, KIND, floor};
use crate::select::group;
use crate::state::Backup;
use crate::{Context, Error, digest, keep, select};

/// Works out what the keep rules would delete.
///
/// # Errors
/// What [`keep::decide`] and [`select::matching`] refuse; failures of the vault.
pub async fn plan(request: Prune, context: &Context) -> Result<Plan, Failure> {
    let (backups, glance) = context.backups_and_glance().await?;
    let now = context.now();
    let looked_at = select::matching(&backups, &request.filter)?;
    let mut decisions = keep::decide(&looked_at, &request.keep, &request.group_by, now)?;
    let parameters =
        serde_json::to_vec(&(&request.filter, &request.group_by, &request.keep)).unwrap_or_default();
    for decision in decisions.iter_mut().filter(|decision| !decision.keep) {
        if let Some(reason) = locked(context, decision.backup).await? {
            decision.keep = true;
            decision.reasons.push(reason);
        }
    }
    let gone = gone(&decisions);
    let subject = match gone.len() {
        0 => "free space".to_owned(),
        1 => "1 backup".to_owned(),
        n => format!("{n} backups"),
    };
    finish_plan(
        context,
        Request::Prune(request),
        KIND,
        &parameters,
        decisions,
        (subject, glance),
    )
    .await
}

/// Works out what deleting the named backups would remove.
///
/// # Errors
/// When a name means no backup, or one that is held or being made; failures of the vault.
pub async fn plan_delete(mut request: Delete, context: &Context) -> Result<Plan, Failure> {
    if request.backups.is_empty() {
        return Err(Error::Malformed {
            what: "the list of backups to delete".to_owned(),
            reason: "is empty".to_owned(),
        }
        .into());
    }
    let (backups, glance) = context.backups_and_glance().await?;
    let mut named: Vec<&Backup> = Vec::new();
    for selector in &request.backups {
        let backup = select::resolve(&backups, selector, &request.filter)?;
        may_delete(backup)?;
        if !named.iter().any(|b| b.id() == backup.id()) {
            named.push(backup);
        }
    }
    named.sort_by_key(|b| std::cmp::Reverse((b.summary.started, b.id())));
    let ids: Vec<BackupId> = named.iter().map(|b| b.id()).collect();
    if let (false, Some((id, reason))) = (
        request.below_floors,
        floor::kept(&backups, &ids, request.min_keep).pop_first(),
    ) {
        return Err(Error::Floor { id, reason }.into());
    }
    let decisions: Vec<Decision> = named.iter().map(|b| by_name(b, &backups, &named)).collect();
    request.backups = ids.iter().map(ToString::to_string).collect();
    request.filter = Default::default();
    let subject: Vec<String> = named.iter().take(5).map(|b| b.id().short()).collect();
    let subject = match named.len() {
        0..=5 => subject.join(", "),
        n => format!("{} and {} more", subject.join(", "), n - 5),
    };
    let parameters = serde_json::to_vec(&(request.min_keep, request.below_floors)).unwrap_or_default();
    finish_plan(
        context,
        Request::Delete(request),
        DELETE_KIND,
        &parameters,
        decisions,
        (subject, glance),
    )
    .await
}

/// Why a backup cannot be deleted yet, where its vault locks what it stores.
pub(super) async fn locked(context: &Context, id: BackupId) -> Result<Option<String>, Failure> {
    let until = context.vault.backup_locked_until(id).await;
    let until =
        until.map_err(context.attempting(format_args!("look up the lock of backup {}", id.short())))?;
    Ok(until.map(|until| format!("locked until {until:.0}")))
}

fn may_delete(backup: &Backup) -> Result<(), Error> {
    if let Some(hold) = &backup.hold {
        return Err(Error::Held {
            id: backup.id(),
            reason: hold.reason.clone(),
        });
    }
    if backup.state() == BackupState::Running {
        return Err(Error::State {
            id: backup.id(),
            state: backup.state(),
            reason: "it is being made",
            hint: "cancel the operation that makes it: `ostler operation list`",
        });
    }
    Ok(())
}

fn by_name(backup: &Backup, all: &[Backup], named: &[&Backup]) -> Decision {
    let group_of = |b: &Backup| group(&b.summary, &[]);
    let mine = group_of(backup);
    let is_last_good = backup.state().is_good()
        && !all.iter().any(|other| {
            other.state().is_good() && group_of(other) == mine && !named.iter().any(|n| n.id() == other.id())
        });
    let mut reasons = vec!["named in the request".to_owned()];
    if is_last_good {
        reasons.push(format!("no good backup of {mine} stays"));
    }
    Decision {
        backup: backup.id(),
        name: backup.summary.name.clone(),
        started: backup.summary.started,
        group: mine,
        state: backup.state(),
        keep: false,
        reasons,
    }
}

fn gone(decisions: &[Decision]) -> Vec<BackupId> {
    decisions.iter().filter(|d| !d.keep).map(|d| d.backup).collect()
}

async fn finish_plan(
    context: &Context,
    request: Request,
    kind: &str,
    parameters: &[u8],
    decisions: Vec<Decision>,
    (subject, glance): (String, Glance),
) -> Result<Plan, Failure> {
    let gone = gone(&decisions);
    let collect = context
        .vault
        .collect_plan(glance, &gone)
        .await
        .map_err(context.attempting("work out what can be freed"))?;
    let items: Vec<(BackupId, &str)> = gone.iter().map(|id| (*id, "delete")).collect();
    Ok(Plan {
        request,
        made: context.now(),
        vault: context.vault_name.clone(),
        subject,
        digest: digest::of_backups(kind, &[parameters], &items),
        work: Work::Prune(PruneWork {
            incomplete: decisions
                .iter()
                .filter(|d| !d.keep && d.state == BackupState::Incomplete)
                .map(|d| d.backup)
                .collect(),
            decisions,
            free_packs: collect.free_packs,
            free_bytes: collect.free_bytes,
            repack_packs: collect.repack_packs,
            repack_bytes: collect.repack_bytes,
            small_objects: collect.small_objects,
            small_bytes: collect.small_bytes,
        }),
        backups: gone,
    })
}
