//! `vault check`: look at a whole vault, and store what was found with the backups it concerns.

use ostler_api::document::{BackupState, CheckReport, Outcome, Problem};
use ostler_api::request::{CheckVault, Plan, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::ProofRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::cluster::system;
use crate::evidence::{self, Look};
use crate::problems::{bounded, in_short, stored};
use crate::restore::finished;
use crate::state::method;
use crate::verify::add_proof;
use crate::{Context, Error, digest};

/// The kind's name in the journal.
pub const KIND: &str = "check_vault";
/// The version of its steps.
pub const VERSION: u32 = 1;
/// How many damaged backups one run stores proofs for; the report counts all.
const MOST_DAMAGED: usize = 500;
/// How many backups a message names.
const SHOWN: usize = 5;

/// Works out what a check would read.
///
/// # Errors
/// Failures of the vault.
pub async fn plan(request: CheckVault, context: &Context) -> Result<Plan, Failure> {
    let (packs, bytes) = match context.vault.index(false).await {
        Ok(index) => (index.packs() as u64, index.bytes()),
        // What is wrong with the index is for the check itself to say.
        Err(error) if ostler_vocabulary::Classified::kind(&error) == ErrorKind::Corrupt => (0, 0),
        Err(error) => return Err(context.attempting("read its index")(error)),
    };
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: context.vault_name.clone(),
        backups: Vec::new(),
        digest: digest::of_backups(KIND, &[&[u8::from(request.read_data)]], &[]),
        work: Work::CheckVault { packs, bytes },
        request: Request::CheckVault(request),
    })
}

/// What the checking step found.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Found {
    /// When it began: it says nothing of what was found later.
    #[serde(default)]
    at: Option<Timestamp>,
    packs: u64,
    chunks: u64,
    bytes: u64,
    backups: u64,
    orphans: u64,
    #[serde(default)]
    stale_entries: u64,
    problems: Vec<Problem>,
    damaged: Vec<BackupId>,
    /// What is wrong with each of `damaged`.
    #[serde(default)]
    reasons: Vec<String>,
    /// Backups that count as damaged by an earlier proof, and of which every byte was read now and found right.
    #[serde(default)]
    whole: Vec<BackupId>,
}

/// Runs the plan.
///
/// # Errors
/// `Corrupt` when anything is wrong, after the proofs of it were stored; failures of the vault, which prove nothing.
pub async fn run(plan: Plan, op: Operation, context: Context) -> Result<Finished, Failure> {
    let Request::CheckVault(request) = plan.request else {
        return Err(Error::Plan {
            reason: "it is not one of a check".to_owned(),
        }
        .into());
    };
    let found = op
        .step("check")
        .unit(Unit::Bytes)
        .retries(3)
        .run(|step| {
            let context = &context;
            async move {
                let at = Some(context.now());
                let check = context
                    .vault
                    .check(request.read_data, &step.progress, &step.cancelled)
                    .await
                    .map_err(context.attempting("be checked"))?;
                evidence::set_aside(context, &check.wrong_packs).await;
                let mut whole = Vec::new();
                if request.read_data {
                    whole = marked(context).await?;
                    whole.retain(|id| check.whole.contains(id));
                    whole.truncate(MOST_DAMAGED);
                }
                let objects = check.problems.into_iter().map(|o| Problem {
                    path: o.key,
                    reason: o.reason,
                });
                let mut all = check.damaged;
                all.extend(incomplete(context).await?);
                // The first reason of each: what is gone from the store comes before what never was in a list.
                all.sort_by_key(|(id, _)| *id);
                all.dedup_by_key(|(id, _)| *id);
                whole.retain(|id| all.iter().all(|(damaged, _)| damaged != id));
                let (mut damaged, mut reasons): (Vec<_>, Vec<_>) = all.into_iter().unzip();
                let rest = damaged.split_off(damaged.len().min(MOST_DAMAGED));
                let of_rest = reasons.split_off(damaged.len());
                let rest = rest.into_iter().zip(of_rest).map(about);
                let problems = objects.chain(rest).collect();
                Ok(Found {
                    at,
                    packs: check.packs,
                    chunks: check.chunks,
                    bytes: check.bytes,
                    backups: check.backups,
                    orphans: check.orphans,
                    stale_entries: check.stale_entries,
                    problems: bounded(problems),
                    damaged,
                    reasons,
                    whole,
                })
            }
        })
        .await?;
    let (mut problems, mut damaged) = (found.problems, Vec::new());
    for (id, reason) in found.damaged.iter().zip(found.reasons) {
        if confirm(&op, &context, *id, request.read_data).await? {
            damaged.push(*id);
            problems.push(about((*id, reason)));
        }
    }
    let mut partial = Vec::new();
    for id in &found.whole {
        partial.extend(prove(&op, &context, *id, found.at).await?);
    }
    if !problems.is_empty() {
        return Err(Failure::new(
            ErrorKind::Corrupt,
            format!(
                "vault `{}` is damaged: {}",
                context.vault_name,
                in_short(&bounded(problems))
            ),
        )
        .with_hint(format!(
            "`ostler vault check{} --repair` heals what can be healed; `ostler backup list{}` shows which backups are concerned",
            context.vault_word(),
            context.of_vault()
        )));
    }
    let marked = marked(&context).await?;
    if let Some(first) = marked.first() {
        let ids: Vec<String> = marked.iter().take(SHOWN).map(BackupId::short).collect();
        let more = marked.len() - ids.len();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let hint = match request.read_data {
            false => format!(
                "`ostler vault check{} --read-data` reads every byte; a backup that it finds right counts as verified",
                context.vault_word()
            ),
            true => format!(
                "`ostler backup verify {} --read-data{}` says what is wrong",
                first.short(),
                context.of_vault()
            ),
        };
        return Err(Failure::new(
            ErrorKind::Corrupt,
            format!(
                "vault `{}`: this check found nothing wrong, but an earlier one found backups damaged: {}{more}",
                context.vault_name,
                ids.join(", ")
            ),
        )
        .with_hint(hint));
    }
    let report = CheckReport {
        packs: found.packs,
        chunks: found.chunks,
        bytes: found.bytes,
        backups: found.backups,
        orphans: found.orphans,
        stale_entries: found.stale_entries,
        problems,
        damaged,
    };
    finished(Outcome::CheckVault(report), partial)
}

pub(crate) fn about((id, reason): (BackupId, String)) -> Problem {
    Problem {
        path: format!("backup {}", id.short()),
        reason,
    }
}

/// The backups that count as damaged.
pub(crate) async fn marked(context: &Context) -> Result<Vec<BackupId>, Failure> {
    let backups = context.backups().await?.into_iter();
    let damaged = backups.filter(|backup| backup.state() == BackupState::Damaged);
    Ok(damaged.map(|backup| backup.id()).collect())
}

/// Stores that every byte of a backup was read at this time and found right. Gives why that could not be stored.
async fn prove(
    op: &Operation,
    context: &Context,
    id: BackupId,
    at: Option<Timestamp>,
) -> Result<Option<String>, Failure> {
    let step = op.step("store proof").key(format!("{id} whole")).retries(3);
    step.run(|_| async move {
        let record = context.record(id).await?;
        if !system::check(context, &record).await?.is_empty() {
            return Ok(None);
        }
        let proof = ProofRecord {
            method: method::VERIFY_DATA.to_owned(),
            at: at.unwrap_or_else(|| context.now()),
            ok: true,
            files: record.counts.files,
            bytes: record.counts.bytes,
            problems: Vec::new(),
            operation: Some(op.id()),
            part: None,
        };
        add_proof(context, id, &proof).await
    })
    .await
}

/// Backups that lack what every backup of their database contains, with the first reason: earlier versions committed such.
async fn incomplete(context: &Context) -> Result<Vec<(BackupId, String)>, Failure> {
    let mut incomplete = Vec::new();
    for entry in context.catalogue().await? {
        // No host has a `:` in its name: these are of clusters.
        let facts = entry.committed.as_ref().filter(|facts| facts.host.contains(':'));
        if facts.is_none() || entry.unreadable.is_some() {
            continue;
        }
        // One that cannot be read, or is deleted meanwhile, is for the check of its objects.
        let Ok(record) = context.vault.record(entry.backup).await else {
            continue;
        };
        if let Some(first) = evidence::lacking(context, &record).await?.into_iter().next() {
            incomplete.push((entry.backup, format!("{}: {}", first.path, first.reason)));
        }
    }
    Ok(incomplete)
}

/// Looks at the backup itself, so that a collection beside the check calls nothing damaged, and stores the proof.
async fn confirm(op: &Operation, context: &Context, id: BackupId, read_data: bool) -> Result<bool, Failure> {
    op.step("store proof")
        .key(id.to_string())
        .unit(Unit::Bytes)
        .retries(3)
        .run(|step| async move {
            let problems = match context.vault.record(id).await {
                Ok(record) => {
                    let look = Look::at_all(read_data);
                    let found =
                        evidence::examine(context, &record, &look, &step.progress, &step.cancelled).await?;
                    evidence::set_aside(context, &found.wrong_packs).await;
                    found.problems
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    match failure.kind() {
                        ErrorKind::Corrupt => vec![Problem {
                            path: format!("backups/{id}"),
                            reason: failure.messages().join(": "),
                        }],
                        // Deleted meanwhile.
                        ErrorKind::NotFound => Vec::new(),
                        _ => return Err(failure),
                    }
                }
            };
            // What a deletion removed on purpose is no damage.
            if problems.is_empty() || is_deleted(context, id).await? {
                return Ok(false);
            }
            let proof = ProofRecord {
                method: method::CHECK.to_owned(),
                at: context.now(),
                ok: false,
                files: 0,
                bytes: 0,
                problems: stored(&bounded(problems)),
                operation: Some(op.id()),
                part: None,
            };
            if let Some(reason) = add_proof(context, id, &proof).await? {
                tracing::warn!(backup = %id.short(), reason, "it is damaged, and that could not be stored");
            }
            Ok(true)
        })
        .await
}

async fn is_deleted(context: &Context, id: BackupId) -> Result<bool, Failure> {
    let backups = context.backups().await?;
    Ok(!backups.iter().any(|backup| backup.id() == id))
}
