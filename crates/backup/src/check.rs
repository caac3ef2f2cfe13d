//! `vault check`: look at a whole vault, and store what was found with the backups it concerns.

use ostler_api::document::{CheckReport, Outcome, Problem};
use ostler_api::request::{CheckVault, Plan, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::ProofRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Unit};
use serde::{Deserialize, Serialize};

use crate::evidence::{self, Look};
use crate::problems::{bounded, in_short, stored};
use crate::restore::finished;
use crate::state::method;
use crate::{Context, Error, digest};

/// The kind's name in the journal.
pub const KIND: &str = "check_vault";
/// The version of its steps.
pub const VERSION: u32 = 1;
/// How many damaged backups one run stores proofs for; the report counts all.
const MOST_DAMAGED: usize = 500;

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
    packs: u64,
    chunks: u64,
    bytes: u64,
    backups: u64,
    orphans: u64,
    problems: Vec<Problem>,
    damaged: Vec<BackupId>,
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
                let check = context
                    .vault
                    .check(request.read_data, &step.progress, &step.cancelled)
                    .await
                    .map_err(context.attempting("be checked"))?;
                let mut damaged: Vec<BackupId> = check.damaged.iter().map(|(id, _)| *id).collect();
                damaged.truncate(MOST_DAMAGED);
                let problems = check.problems.into_iter().map(|o| Problem {
                    path: o.key,
                    reason: o.reason,
                });
                let about_backups = check.damaged.into_iter().map(|(id, reason)| Problem {
                    path: format!("backup {}", id.short()),
                    reason,
                });
                Ok(Found {
                    packs: check.packs,
                    chunks: check.chunks,
                    bytes: check.bytes,
                    backups: check.backups,
                    orphans: check.orphans,
                    problems: bounded(problems.chain(about_backups).collect()),
                    damaged,
                })
            }
        })
        .await?;
    let mut damaged = Vec::new();
    for id in &found.damaged {
        if confirm(&op, &context, *id, request.read_data).await? {
            damaged.push(*id);
        }
    }
    if !found.problems.is_empty() {
        return Err(Failure::new(
            ErrorKind::Corrupt,
            format!(
                "vault `{}` is damaged: {}",
                context.vault_name,
                in_short(&found.problems)
            ),
        )
        .with_hint("`ostler vault check --repair` heals what can be healed; `ostler backup list` shows which backups are concerned"));
    }
    let report = CheckReport {
        packs: found.packs,
        chunks: found.chunks,
        bytes: found.bytes,
        backups: found.backups,
        orphans: found.orphans,
        problems: found.problems,
        damaged,
    };
    finished(Outcome::CheckVault(report), Vec::new())
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
            if problems.is_empty() {
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
            context
                .vault
                .add_proof(id, &proof)
                .await
                .map_err(context.attempting(format_args!("store the proof of backup {}", id.short())))?;
            Ok(true)
        })
        .await
}
