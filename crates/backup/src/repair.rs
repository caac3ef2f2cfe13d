//! `vault check --repair`: find what is damaged, store again what can be had, prove what is whole now, name what is not.
//!
//! Nothing that may be the last of something is deleted: only index segments and notes that nobody can read, and what the
//! collector frees by its own rules. Everything is stored before anything goes.

mod live;
mod look;

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_api::document::{Outcome, Problem, RepairReport};
use ostler_api::request::{Plan, RepairVault, RepairWork, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::{Collecting, Healed, Healing, Lease, LiveFiles, PackId, ProofRecord, VaultCheck};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Unit};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::check::marked;
use crate::evidence;
use crate::problems::{bounded, stored};
use crate::restore::finished;
use crate::state::method;
use crate::{Context, Error, digest};
use live::LiveTree;
use look::{found_earlier, look, problems, unreadable};

/// The kind's name in the journal.
pub const KIND: &str = "repair_vault";
/// The version of its steps.
pub const VERSION: u32 = 1;
/// Works out what a repair would change, by what a look at presence and sizes finds.
///
/// # Errors
/// [`Error::Malformed`] for sources that are not absolute; failures of the vault.
pub async fn plan(request: RepairVault, context: &Context, from: Option<&Context>) -> Result<Plan, Failure> {
    for source in &request.sources {
        if !source.is_absolute() {
            return Err(Error::Malformed {
                what: format!("the source `{}`", source.display()),
                reason: "is not absolute".to_owned(),
            }
            .into());
        }
    }
    if from.is_some_and(|from| from.vault.id() == context.vault.id()) {
        return Err(Error::Malformed {
            what: "the vault to repair from".to_owned(),
            reason: "is the damaged one".to_owned(),
        }
        .into());
    }
    let check = look(
        context,
        false,
        &Progress::new(Unit::Bytes),
        &CancellationToken::new(),
    )
    .await?;
    let removes = unreadable(&check);
    let mut problems = problems(&check);
    problems.extend(found_earlier(context, &check).await?);
    let parameters = serde_json::to_vec(&request).unwrap_or_default();
    let items = removes.iter().map(|key| (key.as_bytes(), "remove"));
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: context.vault_name.clone(),
        backups: Vec::new(),
        digest: digest::digest(KIND, &[&parameters], items),
        work: Work::Repair(RepairWork {
            packs: check.packs,
            bytes: check.bytes,
            removes,
            problems: bounded(problems),
        }),
        request: Request::RepairVault(request),
    })
}

/// What the check found.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Found {
    packs: u64,
    wrong_packs: Vec<String>,
    unreadable: Vec<String>,
    /// Backups that are damaged, by this look or by what is stored with them.
    damaged: Vec<BackupId>,
}

/// Whether a backup is whole now, and what is wrong with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Verdict {
    problems: Vec<Problem>,
}

/// Runs the plan.
///
/// # Errors
/// Failures of the vault; a resume goes on. Damage that stays is in the report.
pub async fn run(
    plan: Plan,
    op: Operation,
    context: Context,
    from: Option<Context>,
) -> Result<Finished, Failure> {
    let (Request::RepairVault(request), Work::Repair(work)) = (plan.request, plan.work) else {
        return Err(Error::Plan {
            reason: "it is not one of a repair".to_owned(),
        }
        .into());
    };
    let lease = context.lease(&op, "repair").await?;
    let repair = Run {
        request,
        work,
        op: &op,
        context: &context,
        from: from.as_ref(),
        lease: &lease,
    };
    let finished = repair.run().await;
    context.release(lease).await;
    finished
}

struct Run<'a> {
    request: RepairVault,
    work: RepairWork,
    op: &'a Operation,
    context: &'a Context,
    from: Option<&'a Context>,
    lease: &'a Arc<Lease>,
}

impl Run<'_> {
    async fn run(&self) -> Result<Finished, Failure> {
        let found = self.check().await?;
        self.quarantine(&found).await?;
        let records = self.restore_records(&found).await?;
        let healed = self.heal().await?;
        let removed = self.remove(&found).await?;
        let bytes_freed = self.free().await?;
        let mut report = RepairReport {
            packs: found.packs,
            quarantined: found.wrong_packs.len() as u64,
            salvaged: healed.salvaged,
            from_mirror: healed.from_mirror,
            from_files: healed.from_files,
            stored_bytes: healed.stored_bytes,
            removed,
            bytes_freed,
            records,
            ..RepairReport::default()
        };
        for id in &found.damaged {
            let verdict = self.prove(*id).await?;
            if verdict.problems.is_empty() {
                report.whole.push(*id);
            } else {
                report.damaged.push(*id);
                report
                    .problems
                    .extend(verdict.problems.into_iter().map(|problem| Problem {
                        path: format!("backup {}: {}", id.short(), problem.path),
                        ..problem
                    }));
            }
        }
        report.problems.extend(self.look_again().await?);
        report.problems = bounded(report.problems);
        let partial = match report.problems.len() {
            0 => Vec::new(),
            _ => vec![format!(
                "damage stays that could not be healed: {}",
                crate::problems::in_short(&report.problems)
            )],
        };
        finished(Outcome::RepairVault(report), partial)
    }

    async fn check(&self) -> Result<Found, Failure> {
        self.op
            .step("check")
            .unit(Unit::Bytes)
            .retries(3)
            .run(|step| async move {
                let check = look(
                    self.context,
                    self.request.read_data,
                    &step.progress,
                    &step.cancelled,
                )
                .await?;
                let mut damaged: BTreeSet<BackupId> = check.damaged.iter().map(|(id, _)| *id).collect();
                damaged.extend(marked(self.context).await?);
                let mut wrong: BTreeSet<PackId> = check.wrong_packs.iter().copied().collect();
                if !self.request.read_data {
                    // What is wrong with these is known to whoever found it only, and may be in their data.
                    for id in &damaged {
                        if let Ok(record) = self.context.vault.record(*id).await {
                            let look = evidence::Look::at_all(true);
                            let (progress, cancel) = (&step.progress, &step.cancelled);
                            let found =
                                evidence::examine(self.context, &record, &look, progress, cancel).await?;
                            wrong.extend(found.wrong_packs);
                        }
                    }
                }
                let planned = |key: &String| self.work.removes.contains(key);
                Ok(Found {
                    packs: check.packs,
                    wrong_packs: wrong.iter().take(look::MOST).map(ToString::to_string).collect(),
                    unreadable: unreadable(&check).into_iter().filter(planned).collect(),
                    damaged: damaged.into_iter().take(look::MOST).collect(),
                })
            })
            .await
    }

    async fn quarantine(&self, found: &Found) -> Result<(), Failure> {
        self.op
            .step("quarantine")
            .retries(3)
            .run(|_| async move {
                let mut packs = Vec::new();
                for name in &found.wrong_packs {
                    packs.push(name.parse()?);
                }
                let done = self.context.vault.quarantine(&packs).await;
                done.map_err(self.context.attempting("put damaged packs into quarantine"))
            })
            .await
    }

    async fn restore_records(&self, found: &Found) -> Result<Vec<BackupId>, Failure> {
        let Some(from) = self.from else {
            return Ok(Vec::new());
        };
        self.op
            .step("restore records")
            .retries(3)
            .run(|_| async move {
                let mut restored = Vec::new();
                for id in &found.damaged {
                    let done = self
                        .context
                        .vault
                        .restore_record(*id, &from.vault, self.lease)
                        .await;
                    let what = format!("restore the commit record of backup {}", id.short());
                    if done.map_err(self.context.attempting(what))? {
                        restored.push(*id);
                    }
                }
                Ok(restored)
            })
            .await
    }

    async fn heal(&self) -> Result<Healed, Failure> {
        self.op
            .step("heal")
            .unit(Unit::Bytes)
            .retries(3)
            .leaves("stored chunks, which are used")
            .run(|step| async move {
                let files = (!self.request.sources.is_empty()).then(|| {
                    let tree: Arc<dyn LiveFiles> = Arc::new(LiveTree::below(self.request.sources.clone()));
                    tree
                });
                let how = Healing {
                    mirror: self.from.map(|from| Arc::clone(&from.vault)),
                    files,
                };
                let healed = self
                    .context
                    .vault
                    .heal(how, self.lease, &step.progress, &step.cancelled)
                    .await;
                healed.map_err(self.context.attempting("store again what was lost"))
            })
            .await
    }

    /// Removes what the plan named and nobody can read.
    async fn remove(&self, found: &Found) -> Result<u64, Failure> {
        self.op
            .step("remove unreadable objects")
            .retries(3)
            .run(|_| async move {
                let mut removed = 0;
                for key in &found.unreadable {
                    let reason = "nobody can read it";
                    self.op.audit("remove object", key, 0, reason).await?;
                    let done = self.context.vault.remove_unreadable(key, self.lease).await;
                    let what = format!("remove `{key}`");
                    removed += u64::from(done.map_err(self.context.attempting(what))?);
                }
                Ok(removed)
            })
            .await
    }

    /// Frees damaged packs of which nothing is needed any more, and what else nothing needs.
    async fn free(&self) -> Result<u64, Failure> {
        self.op
            .step("free space")
            .unit(Unit::Bytes)
            .retries(3)
            .run(|step| async move {
                let told = |what: String| self.op.message(what);
                let how = Collecting {
                    told: &told,
                    ..Collecting::default()
                };
                let collected = self
                    .context
                    .vault
                    .collect(self.lease, how, &step.progress, &step.cancelled)
                    .await;
                match collected.map_err(self.context.attempting("free space")) {
                    Ok(collected) => Ok(collected.bytes_freed),
                    // While it is not known what all backups need, nothing is freed.
                    Err(failure) if matches!(failure.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {
                        self.op.message(failure.messages().join(": "));
                        Ok(0)
                    }
                    Err(failure) => Err(failure),
                }
            })
            .await
    }

    /// Reads all of a backup that was damaged, and stores what was found as its proof.
    async fn prove(&self, id: BackupId) -> Result<Verdict, Failure> {
        self.op
            .step("prove")
            .key(id.to_string())
            .unit(Unit::Bytes)
            .retries(3)
            .run(|step| async move {
                let record = match self.context.vault.record(id).await {
                    Ok(record) => record,
                    Err(error) => {
                        let failure = Failure::from(error);
                        return match failure.kind() {
                            ErrorKind::Corrupt | ErrorKind::NotFound => Ok(Verdict {
                                problems: vec![Problem {
                                    path: format!("backups/{id}"),
                                    reason: failure.messages().join(": "),
                                }],
                            }),
                            _ => Err(failure),
                        };
                    }
                };
                let look = evidence::Look::at_all(true);
                let found =
                    evidence::examine(self.context, &record, &look, &step.progress, &step.cancelled).await?;
                let problems = bounded(found.problems);
                let proof = ProofRecord {
                    method: method::VERIFY_DATA.to_owned(),
                    at: self.context.now(),
                    ok: problems.is_empty(),
                    files: found.files,
                    bytes: found.bytes,
                    problems: stored(&problems),
                    operation: Some(self.op.id()),
                    part: None,
                };
                let done = self.context.vault.add_proof(id, &proof).await;
                let what = format!("store the proof of backup {}", id.short());
                done.map_err(self.context.attempting(what))?;
                Ok(Verdict { problems })
            })
            .await
    }

    /// What a last look at presence and sizes finds, beside what was said of backups.
    async fn look_again(&self) -> Result<Vec<Problem>, Failure> {
        self.op
            .step("look again")
            .unit(Unit::Bytes)
            .retries(3)
            .run(|step| async move {
                let check = look(self.context, false, &step.progress, &step.cancelled).await?;
                let objects = VaultCheck {
                    damaged: Vec::new(),
                    ..check
                };
                Ok(bounded(problems(&objects)))
            })
            .await
    }
}
