//! `backup verify`: look at every object of a backup, and store what was found.

use ostler_api::document::{BackupState, Outcome, Problem, Proof, VerifyReport};
use ostler_api::request::{Part, Plan, Request, Verify, VerifyWork, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::{PartRead, ProofFacts, ProofRecord};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::cluster::system;
use crate::evidence::{self, Data, Look};
use crate::problems::{bounded, in_short, shown, stored};
use crate::restore::finished;
use crate::state::{Backup, method};
use crate::{Context, Error, digest, rotation, select};

/// The kind's name in the journal.
pub const KIND: &str = "verify";
/// The version of its steps.
pub const VERSION: u32 = 1;

/// Works out what a verification would read.
///
/// # Errors
/// When no committed backup is meant; failures of the vault.
pub async fn plan(mut request: Verify, context: &Context) -> Result<Plan, Failure> {
    let backups = context.backups().await?;
    let backup = select::resolve(&backups, &request.backup.backup, &request.backup.filter)?;
    committed(backup)?;
    context.warn_of_future([backup]);
    let id = backup.id();
    request.backup.backup = id.to_string();
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: id.short(),
        backups: vec![id],
        digest: digest::of_backups(KIND, &[&parameters(&request)], &[(id, "verify")]),
        work: Work::Verify(VerifyWork {
            files: backup.summary.counts.files,
            bytes: backup.summary.counts.bytes,
        }),
        request: Request::Verify(request),
    })
}

/// What of the request is not the backup.
fn parameters(request: &Verify) -> Vec<u8> {
    let mut parameters = vec![u8::from(request.read_data)];
    if request.part.is_some() || !request.include.is_empty() {
        parameters.extend(serde_json::to_vec(&(&request.part, &request.include)).unwrap_or_default());
    }
    parameters
}

/// Refuses what was never committed: there is nothing to prove.
pub(crate) fn committed(backup: &Backup) -> Result<(), Error> {
    match backup.state() {
        BackupState::Running | BackupState::Incomplete => Err(Error::State {
            id: backup.id(),
            state: backup.state(),
            reason: "it was never committed, so there is nothing to prove",
            hint: "`ostler operation resume` resumes an interrupted backup",
        }),
        _ => Ok(()),
    }
}

/// Refuses to hold or tag what was never committed.
///
/// # Errors
/// [`Error::State`]
pub fn committed_for_marks(backup: &Backup) -> Result<(), Error> {
    committed(backup).map_err(|_| Error::State {
        id: backup.id(),
        state: backup.state(),
        reason: "only a committed backup can be held or tagged",
        hint: "`ostler operation resume` resumes an interrupted backup",
    })
}

/// What the reading step found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) at: Timestamp,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) packs: u64,
    #[serde(default)]
    pub(crate) packs_read: u64,
    #[serde(default)]
    pub(crate) part: Option<PartRead>,
    pub(crate) problems: Vec<Problem>,
}

/// Runs the plan.
///
/// # Errors
/// `Corrupt` when something is missing or wrong, after the proof of that was stored; failures of the vault, which
/// prove nothing.
pub async fn run(plan: Plan, op: Operation, context: Context) -> Result<Finished, Failure> {
    let (Request::Verify(request), [id]) = (plan.request, plan.backups.as_slice()) else {
        return Err(Error::Plan {
            reason: "it is not one of a verification".to_owned(),
        }
        .into());
    };
    let id = *id;
    let reads = request.read_data || request.part.is_some();
    let found = op
        .step(if reads { "read data" } else { "check presence" })
        .unit(Unit::Bytes)
        .retries(3)
        .run(|step| {
            let (context, request) = (&context, &request);
            async move { look(context, id, request, &step).await }
        })
        .await?;
    let method = match &request.part {
        _ if !request.include.is_empty() => method::VERIFY_PATHS,
        Some(Part::Share(_)) => method::VERIFY_SAMPLE,
        Some(Part::OlderThan(_)) => method::VERIFY_OLD,
        None if request.read_data => method::VERIFY_DATA,
        None => method::VERIFY,
    };
    let proof = ProofRecord {
        method: method.to_owned(),
        at: found.at,
        ok: found.problems.is_empty(),
        files: found.files,
        bytes: found.bytes,
        problems: stored(&found.problems),
        operation: Some(op.id()),
        part: found.part,
    };
    let stored = store_proof(&op, &context, id, &proof).await?;
    if !proof.ok {
        return Err(stored.of(damaged(&context, id, &found.problems)));
    }
    let state = stored.state();
    if state == BackupState::Damaged {
        return Err(stored.of(still_damaged(&context, id, request.read_data)));
    }
    let report = VerifyReport {
        backup: id,
        state,
        proof: proof_document(&proof),
        packs: found.packs,
        packs_read: found.packs_read,
        read_since: rotation::complete_since(&ProofFacts {
            at: proof.at,
            method: proof.method.clone(),
            ok: proof.ok,
            part: proof.part,
        }),
    };
    finished(Outcome::Verify(report), stored.partial(id))
}

async fn look(
    context: &Context,
    id: BackupId,
    request: &Verify,
    step: &ostler_operations::Step,
) -> Result<Found, Failure> {
    let mut found = Found {
        at: context.now(),
        files: 0,
        bytes: 0,
        packs: 0,
        packs_read: 0,
        part: None,
        problems: Vec::new(),
    };
    let record = match context.vault.record(id).await {
        Ok(record) => record,
        Err(error) => {
            let failure = Failure::from(error);
            let backups = context.backups().await?;
            let still_listed = backups.iter().any(|b| b.id() == id);
            if !still_listed || !matches!(failure.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) {
                return Err(failure.context(format!(
                    "vault `{}`: cannot read the commit record of backup {}",
                    context.vault_name,
                    id.short()
                )));
            }
            found.problems.push(Problem {
                path: format!("backups/{id}"),
                reason: failure.messages().join(": "),
            });
            return Ok(found);
        }
    };
    let look =
        Look {
            data: match &request.part {
                Some(part) => Data::Part {
                    part: part.clone(),
                    proofs: context.vault.proof_facts(id).await.map_err(
                        context.attempting(format_args!("read the proofs of backup {}", id.short())),
                    )?,
                    now: found.at,
                },
                None => Look::at_all(request.read_data).data,
            },
            include: request.include.clone(),
            ..Look::default()
        };
    let mut evidence = evidence::examine(context, &record, &look, &step.progress, &step.cancelled).await?;
    if request.include.is_empty() {
        evidence.problems.extend(system::check(context, &record).await?);
    }
    if !evidence.problems.is_empty() {
        // What a deletion removed on purpose is no damage.
        context.record(id).await?;
        evidence::set_aside(context, &evidence.wrong_packs).await;
    }
    found.at = match evidence.part {
        // What this proof says it has read was chosen for this time.
        Some(_) => found.at,
        None => context.now(),
    };
    found.files = evidence.files;
    found.bytes = match (&request.part, request.read_data) {
        (Some(_), _) => evidence.bytes_read,
        (None, true) => evidence.bytes,
        (None, false) => 0,
    };
    found.packs = evidence.packs.len() as u64;
    found.packs_read = evidence.packs_read;
    found.part = evidence.part;
    found.problems = bounded(evidence.problems);
    Ok(found)
}

/// What became of a proof, and the backup's state after it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stored {
    /// It is stored.
    Proof(BackupState),
    /// It could not be stored, for this reason: what it proves was proven all the same.
    Nothing { state: BackupState, reason: String },
}

impl Stored {
    pub(crate) fn state(&self) -> BackupState {
        match self {
            Self::Proof(state) | Self::Nothing { state, .. } => *state,
        }
    }

    /// What keeps an operation that proved a backup from being a full success.
    pub(crate) fn partial(&self, id: BackupId) -> Vec<String> {
        match self {
            Self::Proof(_) => Vec::new(),
            Self::Nothing { reason, .. } => vec![format!(
                "the proof of backup {} could not be stored: {reason}",
                id.short()
            )],
        }
    }

    /// The failure that a proof shows, with why the proof could not be stored.
    pub(crate) fn of(&self, failure: Failure) -> Failure {
        match self {
            Self::Proof(_) => failure,
            Self::Nothing { reason, .. } => {
                let hint = failure.hint().map(ToOwned::to_owned);
                let message = failure.messages().join(": ");
                let failure = Failure::new(
                    failure.kind(),
                    format!("{message}; that could not be stored: {reason}"),
                );
                match hint {
                    Some(hint) => failure.with_hint(hint),
                    None => failure,
                }
            }
        }
    }
}

/// Stores a proof with the backup, and gives the backup's state after it.
pub(crate) async fn store_proof(
    op: &Operation,
    context: &Context,
    id: BackupId,
    proof: &ProofRecord,
) -> Result<Stored, Failure> {
    op.step("store proof")
        .retries(3)
        .run(|_| async move {
            let unstored = add_proof(context, id, proof).await?;
            let backups = context.backups().await?;
            let state = select::resolve(&backups, &id.to_string(), &Default::default())?.state();
            Ok(match unstored {
                None => Stored::Proof(state),
                Some(reason) => Stored::Nothing { state, reason },
            })
        })
        .await
}

/// Stores a proof with the backup. Gives the reason where the store takes nothing: it is full, or read-only.
pub(crate) async fn add_proof(
    context: &Context,
    id: BackupId,
    proof: &ProofRecord,
) -> Result<Option<String>, Failure> {
    let Err(error) = context.vault.add_proof(id, proof).await else {
        return Ok(None);
    };
    if error.is_refused_write() {
        return Ok(Some(Failure::from(error).messages().join(": ")));
    }
    Err(context.attempting(format_args!(
        "store the proof of backup {}",
        id.short()
    ))(error))
}

/// A backup that was found right by a look that does not outweigh an earlier proof of damage.
fn still_damaged(context: &Context, id: BackupId, read_data: bool) -> Failure {
    let why = match read_data {
        true => "a proof that was stored since this verification began says so",
        false => "an earlier proof says so, and this verification did not read every byte",
    };
    Failure::new(
        ErrorKind::Corrupt,
        format!(
            "vault `{}`: backup {} counts as damaged: {why}",
            context.vault_name,
            id.short()
        ),
    )
    .with_hint(format!(
        "`ostler backup verify {} --read-data` reads every byte; found right, the backup counts as verified",
        id.short()
    ))
}

pub(crate) fn damaged(context: &Context, id: BackupId, problems: &[Problem]) -> Failure {
    Failure::new(
        ErrorKind::Corrupt,
        format!(
            "vault `{}`: backup {} is damaged: {}",
            context.vault_name,
            id.short(),
            in_short(problems)
        ),
    )
    .with_hint(format!(
        "`ostler backup show {}{}` lists all that is wrong; make a new backup with --read-all, then check the store",
        id.short(),
        context.of_vault()
    ))
}

/// A stored proof as documents show it.
#[must_use]
pub fn proof_document(proof: &ProofRecord) -> Proof {
    Proof {
        method: proof.method.clone(),
        at: proof.at,
        ok: proof.ok,
        files: proof.files,
        bytes: proof.bytes,
        problems: shown(&proof.problems),
    }
}
