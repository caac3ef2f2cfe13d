//! `backup prune` and `backup delete`: remove what a plan names, and free the space that nothing needs.

mod engine;
mod evaluate;
mod floor;
mod plan;

use futures::join;
use ostler_api::document::{BackupState, Outcome, Problem, PruneReport, Waiting};
use ostler_api::request::{Decision, Plan, Work};
use ostler_operations::{Finished, Operation, Policy};
use ostler_vault::{Collected, Collecting, Lease, Looked};
use ostler_vocabulary::{BackupId, ByteSize, Failure, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::restore::finished;
use crate::state::Backup;
use crate::{Context, Error};
use engine::Kept;
use evaluate::Evaluation;
use plan::locked;
pub use plan::{plan, plan_delete};

/// The kinds' names in the journal.
pub const KIND: &str = "prune";
/// As [`KIND`], for backups that somebody named.
pub const DELETE_KIND: &str = "delete";
/// The version of their steps.
pub const VERSION: u32 = 2;
/// Backups that one step decides on: its result has to fit into the journal.
const BATCH: usize = 200;
/// Backups that are deleted at the same time.
const AT_ONCE: usize = 16;
/// How many deleted backups a failure names.
const SHOWN: usize = 5;

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
        let planned: Vec<BackupId> = self.planned.iter().map(|decision| decision.backup).collect();
        // Read by every process that works on this: what the journal says may be old by the time of a resume.
        let (now, glance) = self.context.backups_and_glance().await?;
        // What is needed without them is looked at meanwhile; it does not depend on the deletions, if all are done.
        let look = async {
            match self.context.vault.recall(&planned, &glance) {
                Some(looked) => Ok(looked),
                None => {
                    let cancel = self.op.cancelled();
                    self.context.vault.look_without(&planned, cancel).await
                }
            }
        };
        let (done, looked) = join!(self.delete_all(&now), look);
        let (mut report, bytes) = match done {
            Ok(done) => done,
            Err((failure, deleted)) => return Err(after_deleting(failure, &deleted)),
        };
        let is_all = planned.iter().all(|id| report.deleted.contains(id));
        let looked = looked.ok().filter(|_| is_all);
        let expiring = self.expiring(&now, &report.deleted)?;
        let collected = self.collect(&expiring, looked).await;
        let collected = collected.map_err(|failure| after_deleting(failure, &report.deleted))?;
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

    /// Deletes what was planned of the backups there are, and may still go. Gives the bytes that went.
    async fn delete_all(&self, now: &[Backup]) -> Result<(PruneReport, u64), (Failure, Vec<BackupId>)> {
        let mut report = PruneReport::default();
        match self.delete_planned(now, &mut report).await {
            Ok(bytes) => Ok((report, bytes)),
            Err(failure) => Err((failure, report.deleted)),
        }
    }

    async fn delete_planned(&self, now: &[Backup], report: &mut PruneReport) -> Result<u64, Failure> {
        let mut verdicts = Vec::new();
        for (number, batch) in self.planned.chunks(BATCH).enumerate() {
            let verdict = self.evaluate(number, batch, now).await?;
            report.refused.extend(verdict.refused.iter().cloned());
            verdicts.push(verdict);
        }
        self.op.commit().await?;
        let mut bytes = 0;
        for (batch, verdict) in self.planned.chunks(BATCH).zip(&verdicts) {
            let mut going = Vec::new();
            for id in &verdict.delete {
                let Some(decision) = batch.iter().find(|d| d.backup == *id) else {
                    continue;
                };
                let kept = self.kept_by_an_engine(*id, now).await?;
                match &kept.refused {
                    Some(reason) => report.refused.push(refusal(decision, reason.clone())),
                    None => going.push((decision, kept)),
                }
            }
            let mut failed = None;
            let deleted = self.delete(&going, now).await?;
            for ((decision, kept), deleted) in going.iter().zip(deleted) {
                let deleted = match deleted {
                    Ok(deleted) => deleted,
                    // Others of the batch were deleted.
                    Err(failure) => {
                        failed.get_or_insert(failure);
                        continue;
                    }
                };
                match deleted.refused {
                    Some(reason) => report.refused.push(refusal(decision, reason)),
                    None => {
                        self.forget(decision.backup, &kept.parts, &kept.cluster).await?;
                        bytes += deleted.bytes;
                        report.deleted.push(decision.backup);
                    }
                }
            }
            if let Some(failure) = failed {
                return Err(failure);
            }
        }
        Ok(bytes)
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

    /// Deletes backups side by side: none of them depends on another.
    async fn delete(
        &self,
        going: &[(&Decision, Kept)],
        now: &[Backup],
    ) -> Result<Vec<Result<Deleted, Failure>>, Failure> {
        let items: Vec<(String, Decision)> = going
            .iter()
            .map(|(decision, _)| (decision.backup.to_string(), (*decision).clone()))
            .collect();
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let deleted = self
            .op
            .fan_out(
                "delete",
                items,
                AT_ONCE,
                Policy::collect().retries(3),
                |decision, _| async move { self.delete_one(&decision, now).await },
            )
            .await?;
        Ok(deleted.into_iter().map(|(_, deleted)| deleted).collect())
    }

    async fn delete_one(&self, decision: &Decision, now: &[Backup]) -> Result<Deleted, Failure> {
        let id = decision.backup;
        let refused = |reason| {
            Ok(Deleted {
                bytes: 0,
                refused: Some(reason),
            })
        };
        // A deletion that was killed half-way leaves nothing to object to but its own traces.
        if let Some(reason) = evaluate::late_objection(decision, now) {
            return refused(reason);
        }
        let reasons = decision.reasons.join(", ");
        self.op
            .audit("delete backup", &id.to_string(), size_of(id, now), &reasons)
            .await?;
        if let Some(reason) = locked(self.context, id).await? {
            return refused(reason);
        }
        let vault = &self.context.vault;
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

    async fn collect(&self, expiring: &[BackupId], looked: Option<Looked>) -> Result<Collected, Failure> {
        let first = Mutex::new(looked);
        let first = &first;
        self.op
            .step("free space")
            .unit(Unit::Bytes)
            .retries(3)
            .run(|step| async move {
                let attempting = || self.context.attempting("work out what can be freed");
                let vault = &self.context.vault;
                let looked = first.lock().unwrap_or_else(PoisonError::into_inner).take();
                let looked = match looked {
                    Some(looked) => looked,
                    None => vault
                        .look_for_garbage(&step.cancelled)
                        .await
                        .map_err(attempting())?,
                };
                let plan = looked.plan();
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
                    .collect_looked(looked, self.lease, how, &step.progress, &step.cancelled)
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

/// A failure after backups were deleted, which it names.
fn after_deleting(failure: Failure, deleted: &[BackupId]) -> Failure {
    if deleted.is_empty() {
        return failure;
    }
    let ids: Vec<String> = deleted.iter().take(SHOWN).map(BackupId::short).collect();
    let more = match deleted.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    failure.context(format!(
        "backups {}{more} were deleted, and then their space could not be freed",
        ids.join(", ")
    ))
}

fn refusal(decision: &Decision, reason: String) -> Problem {
    Problem {
        path: decision.backup.short(),
        reason,
    }
}

/// Backups that rules or names select now.
type Allowed = BTreeSet<BackupId>;
