//! `backup drill`: restore into a scratch directory, compare, check, and store what was found.

mod rehearsal;

use std::path::Path;

use ostler_api::document::{CheckCommand, DrillReport, Outcome, Problem};
use ostler_api::node::{Compare, Compared, Download, SCRATCH_TREE};
use ostler_api::request::{Drill, Overwrite, Plan, Request, VerifyWork, Work};
use ostler_operations::{Finished, Operation, StepBuilder};
use ostler_vault::{NodeRecord, ProofRecord};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::cluster::restore::below;
use crate::problems::{bounded, in_short, stored};
use crate::restore::{finished, only_node};
use crate::state::method;
use crate::verify::{committed, damaged, proof_document, store_proof};
use crate::{Context, Error, digest, evidence, select};

/// The kind's name in the journal.
pub const KIND: &str = "drill";
/// The version of its steps.
pub const VERSION: u32 = 1;

/// Works out what a drill would restore.
///
/// # Errors
/// When no committed backup is meant; failures of the vault.
pub async fn plan(mut request: Drill, context: &Context) -> Result<Plan, Failure> {
    let backups = context.backups().await?;
    let backup = select::resolve(&backups, &request.backup.backup, &request.backup.filter)?;
    committed(backup)?;
    context.warn_of_future([backup]);
    let id = backup.id();
    if request.start {
        rehearsal::possible(context, id).await?;
    }
    request.backup.backup = id.to_string();
    let parameters = serde_json::to_vec(&request).unwrap_or_default();
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: id.short(),
        backups: vec![id],
        digest: digest::of_backups(KIND, &[&parameters], &[(id, "drill")]),
        work: Work::Drill(VerifyWork {
            files: backup.summary.counts.files,
            bytes: backup.summary.counts.bytes,
        }),
        request: Request::Drill(request),
    })
}

/// What the restore step did.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Restored {
    files: u64,
    bytes: u64,
    took_ms: u64,
    at: Timestamp,
    damaged: bool,
    problems: Vec<Problem>,
}

/// Runs the plan.
///
/// # Errors
/// `Corrupt` when stored data is missing or wrong, `Internal` when the restored tree differs or the check command
/// failed, each after the proof of that was stored; failures of vault and node, which prove nothing.
pub async fn run(plan: Plan, op: Operation, context: Context) -> Result<Finished, Failure> {
    let (Request::Drill(request), [id]) = (plan.request, plan.backups.as_slice()) else {
        return Err(Error::Plan {
            reason: "it is not one of a drill".to_owned(),
        }
        .into());
    };
    let id = *id;
    let above = request.scratch.clone().unwrap_or_else(|| context.scratch.clone());
    let scratch = above.join(op.id().to_string());
    let tree = scratch.join(SCRATCH_TREE);

    make_scratch(&op, &context, &scratch).await?;
    let (restored, parts) = restore(&op, &context, id, &tree).await?;
    let compared = compare(&op, &context, &parts, &tree).await?;
    let check = match &request.check {
        // A command that fails on files that are not all there says nothing.
        Some(command) if !restored.damaged => Some(check(&op, &context, command, &tree).await?),
        _ => None,
    };
    let started = match request.start && !restored.damaged {
        // It writes into its files, so it comes last.
        true => Some(rehearsal::rehearse(&op, &context, id, &tree).await?),
        false => None,
    };
    op.step("remove scratch")
        .retries(3)
        .run(|_| async { context.node.remove_scratch(scratch.clone()).await })
        .await?;

    let mut problems = restored.problems.clone();
    problems.extend(compared.problems.clone());
    let check_failed = check.as_ref().filter(|c| c.exit_code != Some(0));
    if let Some(check) = check_failed {
        problems.push(Problem {
            path: "check command".to_owned(),
            reason: ended_with(check),
        });
    }
    let (started, wrong) = started.unzip();
    problems.extend(wrong.unwrap_or_default());
    let ok = problems.is_empty() && !restored.damaged;
    let proof = ProofRecord {
        method: match ok || restored.damaged {
            true => method::DRILL,
            false => method::DRILL_FAILED,
        }
        .to_owned(),
        at: restored.at,
        ok,
        files: restored.files,
        bytes: restored.bytes,
        problems: stored(&bounded(problems.clone())),
        operation: Some(op.id()),
        part: None,
    };
    let stored = store_proof(&op, &context, id, &proof).await?;
    if restored.damaged {
        set_aside(&op, &context, id).await?;
        return Err(stored.of(damaged(&context, id, &problems)));
    }
    let state = stored.state();
    if !ok {
        return Err(Failure::new(
            ErrorKind::Internal,
            format!(
                "the drill of backup {} failed: {}",
                id.short(),
                in_short(&problems)
            ),
        )
        .with_hint(format!(
            "`ostler backup show {}` has the whole report",
            id.short()
        )));
    }
    let report = DrillReport {
        backup: id,
        state,
        proof: proof_document(&proof),
        compared: compared.files,
        compared_live: compared.live,
        changed_live: compared.changed_live,
        check,
        started,
        restore_ms: restored.took_ms,
    };
    finished(Outcome::Drill(report), stored.partial(id))
}

/// Finds which packs a drill could not read, by reading all that the backup needs, and sets them aside: then a new backup
/// stores again what is in them.
async fn set_aside(op: &Operation, context: &Context, id: BackupId) -> Result<(), Failure> {
    let step = op.step("set damaged packs aside").unit(Unit::Bytes).retries(3);
    step.run(|step| async move {
        let record = context.record(id).await?;
        let look = evidence::Look::at_all(true);
        let found = evidence::examine(context, &record, &look, &step.progress, &step.cancelled).await?;
        evidence::set_aside(context, &found.wrong_packs).await;
        Ok(())
    })
    .await
}

fn ended_with(check: &CheckCommand) -> String {
    let how = match check.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "a signal".to_owned(),
    };
    let last = check.output.lines().rev().find(|line| !line.trim().is_empty());
    match last {
        Some(line) => format!("`{}` ended with {how}: {}", check.command, line.trim()),
        None => format!("`{}` ended with {how}", check.command),
    }
}

/// The scratch directory. It is removed by its own step, or when this one is taken back.
async fn make_scratch(op: &Operation, context: &Context, scratch: &Path) -> Result<(), Failure> {
    let (node, undone) = (context.node.clone(), scratch.to_owned());
    op.step("make scratch")
        .run_with_undo(
            |_| async {
                let made = context.node.make_scratch(scratch.to_owned()).await;
                made.map_err(|failure| failure.context("cannot make the scratch directory"))
            },
            move |_| {
                let (node, scratch) = (node.clone(), undone.clone());
                async move { node.remove_scratch(scratch).await }
            },
        )
        .await
}

/// What is restored: the only node's part or, of a cluster, every root of every node, each below a directory of its own.
async fn parts(op: &Operation, context: &Context, id: BackupId) -> Result<Vec<NodeRecord>, Failure> {
    let of_one = op
        .step("read record")
        .retries(3)
        .run(|_| async {
            let record = context.record(id).await?;
            // Of a cluster it may be too long for a step's result.
            match record.cluster {
                Some(_) => Ok(None),
                None => Ok(Some(only_node(&record)?.clone())),
            }
        })
        .await?;
    match of_one {
        Some(node) => Ok(vec![node]),
        None => Ok(context.record(id).await?.nodes),
    }
}

async fn restore(
    op: &Operation,
    context: &Context,
    id: BackupId,
    tree: &Path,
) -> Result<(Restored, Vec<NodeRecord>), Failure> {
    let parts = parts(op, context, id).await?;
    let mut all: Option<Restored> = None;
    for part in &parts {
        let restored = restore_part(op, context, id, part, tree).await?;
        all = Some(match all {
            None => restored,
            Some(before) => Restored {
                files: before.files + restored.files,
                bytes: before.bytes + restored.bytes,
                took_ms: before.took_ms + restored.took_ms,
                at: restored.at,
                damaged: before.damaged || restored.damaged,
                problems: bounded([before.problems, restored.problems].concat()),
            },
        });
    }
    match all {
        Some(restored) => Ok((restored, parts)),
        None => Err(Failure::new(
            ErrorKind::Corrupt,
            format!("backup {} has no parts", id.short()),
        )),
    }
}

async fn restore_part(
    op: &Operation,
    context: &Context,
    id: BackupId,
    part: &NodeRecord,
    tree: &Path,
) -> Result<Restored, Failure> {
    let request = Download {
        backup: id,
        list: part.list.clone(),
        roots: part.paths.clone(),
        to: Some(below(tree, part)),
        include: Vec::new(),
        overwrite: Overwrite::Different,
        delete_extra: false,
        approved_deletes: None,
    };
    let step = op.step("restore").unit(Unit::Bytes).retries(3);
    keyed(step, part)
        .run(|step| {
            let request = &request;
            async move {
                let begun = context.clock.monotonic();
                let done = context
                    .node
                    .download(request, &step.progress, &step.cancelled)
                    .await
                    .map_err(context.attempting(format_args!("restore backup {}", id.short())))?;
                if done.damaged {
                    // What a deletion removed on purpose is no damage.
                    context.record(id).await?;
                }
                let took = context.clock.monotonic().saturating_sub(begun);
                Ok(Restored {
                    files: done.files_written + done.files_kept,
                    bytes: done.bytes_verified,
                    took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    at: context.now(),
                    damaged: done.damaged,
                    problems: named(part, bounded(done.problems)),
                })
            }
        })
        .await
}

async fn compare(
    op: &Operation,
    context: &Context,
    parts: &[NodeRecord],
    tree: &Path,
) -> Result<Compared, Failure> {
    let mut all = Compared::default();
    for part in parts {
        let request = Compare {
            list: part.list.clone(),
            roots: part.paths.clone(),
            restored: below(tree, part),
        };
        let step = op.step("compare").unit(Unit::Bytes).retries(3);
        let compared = keyed(step, part)
            .run(|step| {
                let request = &request;
                async move {
                    let mut compared = context
                        .node
                        .compare(request, &step.progress, &step.cancelled)
                        .await
                        .map_err(context.attempting("compare the restored files"))?;
                    compared.problems = named(part, bounded(compared.problems));
                    Ok(compared)
                }
            })
            .await?;
        all.files += compared.files;
        all.bytes += compared.bytes;
        all.problems.extend(compared.problems);
        // What lies at a node's paths on this machine is not what was backed up.
        if part.root.is_none() {
            (all.live, all.changed_live) = (compared.live, compared.changed_live);
        }
    }
    all.problems = bounded(all.problems);
    Ok(all)
}

fn keyed<'a>(step: StepBuilder<'a>, part: &NodeRecord) -> StepBuilder<'a> {
    match part.root {
        Some(_) => step.key(part.part()),
        None => step,
    }
}

fn named(part: &NodeRecord, problems: Vec<Problem>) -> Vec<Problem> {
    let named = problems.into_iter().map(|problem| match part.root {
        Some(_) => Problem {
            path: format!("{}:{}", part.part(), problem.path),
            ..problem
        },
        None => problem,
    });
    named.collect()
}

async fn check(
    op: &Operation,
    context: &Context,
    command: &str,
    tree: &Path,
) -> Result<CheckCommand, Failure> {
    op.step("check command")
        .run(|step| async move {
            context
                .node
                .run_command(command, Some(tree.to_owned()), &step.cancelled)
                .await
        })
        .await
}
