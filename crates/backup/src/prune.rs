//! `backup prune` and `backup delete`: remove what a plan names, and free the space that nothing needs.

mod evaluate;
mod floor;

use ostler_api::document::{BackupState, Outcome, Problem, PruneReport, Waiting};
use ostler_api::request::{Decision, Delete, Plan, Prune, PruneWork, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::{Collected, Collecting, Lease};
use ostler_vocabulary::{BackupId, ByteSize, Failure, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::restore::finished;
use crate::select::group;
use crate::state::Backup;
use crate::{Context, Error, digest, keep, select};
use evaluate::Evaluation;

/// The kinds' names in the journal.
pub const KIND: &str = "prune";
/// As [`KIND`], for backups that somebody named.
pub const DELETE_KIND: &str = "delete";
/// The version of their steps.
pub const VERSION: u32 = 1;
/// Backups that one step decides on: its result has to fit into the journal.
const BATCH: usize = 200;

/// Works out what the keep rules would delete.
///
/// # Errors
/// What [`keep::decide`] and [`select::matching`] refuse; failures of the vault.
pub async fn plan(request: Prune, context: &Context) -> Result<Plan, Failure> {
    let backups = context.backups().await?;
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
        subject,
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
    let backups = context.backups().await?;
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
        subject,
    )
    .await
}

/// Why a backup cannot be deleted yet, where its vault locks what it stores.
async fn locked(context: &Context, id: BackupId) -> Result<Option<String>, Failure> {
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
    subject: String,
) -> Result<Plan, Failure> {
    let gone = gone(&decisions);
    let collect = context
        .vault
        .collect_plan(&gone)
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

/// Runs the plan of a prune or a deletion.
///
/// # Errors
/// Failures of the vault; what was deleted by then is in the audit record, and a resume goes on.
pub async fn run(plan: Plan, op: Operation, context: Context) -> Result<Finished, Failure> {
    let Work::Prune(work) = plan.work else {
        return Err(Error::Plan {
            reason: "it is not one of a deletion".to_owned(),
        }
        .into());
    };
    let evaluation = Evaluation::of(plan.request, plan.made, plan.backups)?;
    let lease = context.lease(&op, "prune").await?;
    let prune = Run {
        planned: work.decisions.into_iter().filter(|d| !d.keep).collect(),
        evaluation,
        op: &op,
        context: &context,
        lease: &lease,
    };
    let finished = prune.run().await;
    context.release(lease).await;
    finished
}

struct Run<'a> {
    planned: Vec<Decision>,
    evaluation: Evaluation,
    op: &'a Operation,
    context: &'a Context,
    lease: &'a Arc<Lease>,
}

/// What a step decided about its batch of planned deletions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Verdict {
    delete: Vec<BackupId>,
    refused: Vec<Problem>,
}

/// What came of one deletion.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Deleted {
    bytes: u64,
    refused: Option<String>,
}

impl Run<'_> {
    async fn run(&self) -> Result<Finished, Failure> {
        // Read by every process that works on this: what the journal says may be old by the time of a resume.
        let now = self.context.backups().await?;
        let mut report = PruneReport::default();
        let mut verdicts = Vec::new();
        for (number, batch) in self.planned.chunks(BATCH).enumerate() {
            let verdict = self.evaluate(number, batch, &now).await?;
            report.refused.extend(verdict.refused.iter().cloned());
            verdicts.push(verdict);
        }
        self.op.commit().await?;
        let mut bytes = 0;
        for (batch, verdict) in self.planned.chunks(BATCH).zip(&verdicts) {
            for id in &verdict.delete {
                let Some(decision) = batch.iter().find(|d| d.backup == *id) else {
                    continue;
                };
                let deleted = self.delete(decision, &now).await?;
                match deleted.refused {
                    Some(reason) => report.refused.push(refusal(decision, reason)),
                    None => {
                        bytes += deleted.bytes;
                        report.deleted.push(*id);
                    }
                }
            }
        }
        let expiring = self.expiring(&now, &report.deleted)?;
        let collected = self.collect(&expiring).await?;
        if collected.locks_extended > 0 {
            let what = format!("made {} locks longer", collected.locks_extended);
            self.op.message(what);
        }
        report.packs_deleted = collected.packs_deleted;
        report.packs_rewritten = collected.packs_rewritten;
        report.bytes_freed = collected.bytes_freed + bytes;
        report.objects_deleted = collected.objects_deleted;
        report.waiting = (!collected.waits_for.is_empty()).then(|| Waiting {
            packs: collected.packs_waiting,
            bytes: collected.bytes_waiting,
            backups: collected.waits_for.clone(),
        });
        let partial = report
            .refused
            .iter()
            .map(|r| format!("backup {} was not deleted: {}", r.path, r.reason))
            .collect();
        finished(Outcome::Prune(report), partial)
    }

    async fn evaluate(&self, number: usize, batch: &[Decision], now: &[Backup]) -> Result<Verdict, Failure> {
        self.op
            .step("evaluate")
            .key(number.to_string())
            .run(|_| async {
                let allowed = self.evaluation.allowed(now)?;
                let mut verdict = Verdict::default();
                for decision in batch {
                    match evaluate::objection(decision, now, allowed.as_ref()) {
                        None => verdict.delete.push(decision.backup),
                        Some(reason) => verdict.refused.push(refusal(decision, reason)),
                    }
                }
                Ok(verdict)
            })
            .await
    }

    async fn delete(&self, decision: &Decision, now: &[Backup]) -> Result<Deleted, Failure> {
        let id = decision.backup;
        self.op
            .step("delete")
            .key(id.to_string())
            .retries(3)
            .run(|_| async move {
                // A deletion that was killed half-way leaves nothing to object to but its own traces.
                if let Some(reason) = evaluate::late_objection(decision, now) {
                    return Ok(Deleted {
                        bytes: 0,
                        refused: Some(reason),
                    });
                }
                self.op
                    .audit(
                        "delete backup",
                        &id.to_string(),
                        size_of(id, now),
                        &decision.reasons.join(", "),
                    )
                    .await?;
                let vault = &self.context.vault;
                if let Some(reason) = locked(self.context, id).await? {
                    return Ok(Deleted {
                        bytes: 0,
                        refused: Some(reason),
                    });
                }
                let removed = match decision.state {
                    // Nobody asked for a backup that is committed meanwhile to be deleted.
                    BackupState::Incomplete => vault.discard_backup(id, self.lease).await,
                    _ => vault.delete_backup(id, self.lease).await,
                };
                let bytes = removed.map_err(
                    self.context
                        .attempting(format_args!("delete backup {}", id.short())),
                )?;
                Ok(Deleted { bytes, refused: None })
            })
            .await
    }

    /// Backups that would have been deleted if they were not locked.
    fn expiring(&self, now: &[Backup], deleted: &[BackupId]) -> Result<Vec<BackupId>, Failure> {
        if self.context.vault.lock_span().is_none() {
            return Ok(Vec::new());
        }
        let planned = || self.planned.iter().map(|decision| decision.backup).collect();
        let wanted: Allowed = self.evaluation.allowed(now)?.unwrap_or_else(planned);
        Ok(wanted.into_iter().filter(|id| !deleted.contains(id)).collect())
    }

    async fn collect(&self, expiring: &[BackupId]) -> Result<Collected, Failure> {
        self.op
            .step("free space")
            .unit(Unit::Bytes)
            .retries(3)
            .run(|step| async move {
                let plan = self
                    .context
                    .vault
                    .collect_plan(&[])
                    .await
                    .map_err(self.context.attempting("work out what can be freed"))?;
                if plan.free_packs + plan.repack_packs > 0 {
                    let item = format!(
                        "{} packs nothing needs, {} packs to be rewritten ({})",
                        plan.free_packs,
                        plan.repack_packs,
                        ByteSize(plan.free_bytes + plan.repack_bytes)
                    );
                    self.op
                        .audit(
                            "free packs",
                            &item,
                            plan.free_bytes + plan.repack_bytes,
                            "no backup needs what they hold",
                        )
                        .await?;
                }
                let told = |what: String| self.op.message(what);
                let how = Collecting {
                    told: &told,
                    expiring,
                    ..Collecting::default()
                };
                self.context
                    .vault
                    .collect(self.lease, how, &step.progress, &step.cancelled)
                    .await
                    .map_err(self.context.attempting("free space"))
            })
            .await
    }
}

fn size_of(id: BackupId, backups: &[Backup]) -> u64 {
    backups
        .iter()
        .find(|b| b.id() == id)
        .map_or(0, |b| b.summary.counts.bytes)
}

fn refusal(decision: &Decision, reason: String) -> Problem {
    Problem {
        path: decision.backup.short(),
        reason,
    }
}

/// Backups that rules or names select now.
type Allowed = BTreeSet<BackupId>;
