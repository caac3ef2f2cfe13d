//! `vault mirror`: copy backups to another vault, each verified and committed by itself.
//!
//! A copy keeps what makes a backup what it is: id, name, tags, source, times, counts of files. It says where it comes from
//! (`origin`), and its new proof says that every byte was read and authenticated on the way. Whatever was copied before a
//! kill or a cancel stays copied. Holds and tags follow, also to copies that were there before.

mod choose;
mod commit;
mod copy;
mod marks;
mod send;
mod survey;

use ostler_api::document::{BackupState, MirrorReport, Outcome};
use ostler_api::request::{Mirror, MirrorItem, MirrorWork, Plan, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::Place;
use ostler_vocabulary::{BackupId, Failure};

use crate::restore::finished;
use crate::state::Backup;
use crate::{Context, Error, digest};
use choose::{Chosen, choose};
use copy::{Copied, Copy};
use survey::Ledger;

/// The kind's name in the journal.
pub const KIND: &str = "mirror";
/// The version of its steps.
pub const VERSION: u32 = 1;

/// Works out what would be copied from the vault of `from` to that of `to`.
///
/// # Errors
/// When a selector means nothing, or what cannot be copied; failures of either vault.
pub async fn plan(mut request: Mirror, from: &Context, to: &Context) -> Result<Plan, Failure> {
    if from.vault.id() == to.vault.id() {
        return Err(Error::Malformed {
            what: format!("the vault `{}`", to.vault_name),
            reason: format!("is the same as `{}`", from.vault_name),
        }
        .into());
    }
    let backups = from.backups().await?;
    let Chosen { chosen, refused } = choose(&request, &backups)?;
    let mut work = MirrorWork {
        from: from.vault_name.clone(),
        refused,
        ..MirrorWork::default()
    };
    let there = to.backups().await?;
    for backup in chosen {
        match place(backup, from, to, &there).await? {
            Placed::Free(copy) => work.items.push(item(backup, copy)),
            Placed::There(copy) => {
                work.there += 1;
                if let Some(copy) = copy
                    && !marks::missing(&backup.marks, &copy.marks, to.now()).is_empty()
                {
                    work.marked.push(item(backup, copy.id()));
                }
            }
        }
    }
    // Oldest first: each is the base of the next.
    work.items.sort_by_key(|item| (item.started, item.backup));
    let ids: Vec<BackupId> = work.items.iter().map(|item| item.backup).collect();
    let copies = ids.iter().map(|id| (*id, "copy"));
    let marked = work.marked.iter().map(|item| (item.backup, "mark"));
    let items: Vec<(BackupId, &str)> = copies.chain(marked).collect();
    let (here, other) = (from.vault.id().to_string(), to.vault.id().to_string());
    request.backups = ids.iter().map(ToString::to_string).collect();
    request.from = Some(from.vault_name.clone());
    Ok(Plan {
        made: to.now(),
        vault: to.vault_name.clone(),
        subject: subject(&work),
        digest: digest::of_backups(KIND, &[here.as_bytes(), other.as_bytes()], &items),
        backups: ids,
        work: Work::Mirror(work),
        request: Request::Mirror(request),
    })
}

fn subject(work: &MirrorWork) -> String {
    match work.items.as_slice() {
        [] => format!("no backup of {}", work.from),
        [one] => format!("{} of {}", one.backup.short(), work.from),
        many => format!("{} backups of {}", many.len(), work.from),
    }
}

fn item(backup: &Backup, copy: BackupId) -> MirrorItem {
    MirrorItem {
        backup: backup.id(),
        copy,
        name: backup.summary.name.clone(),
        source: backup.summary.source.clone(),
        started: backup.summary.started,
        bytes: backup.summary.counts.bytes,
    }
}

/// Where a copy is or will be.
enum Placed<'a> {
    /// The id that it gets.
    Free(BackupId),
    /// It is there already; `None` where it is not in the catalogue yet.
    There(Option<&'a Backup>),
}

async fn place<'a>(
    backup: &Backup,
    from: &Context,
    to: &Context,
    there: &'a [Backup],
) -> Result<Placed<'a>, Failure> {
    let id = backup.id();
    let known = there.iter().find(|other| other.id() == id);
    if known.is_some_and(|other| !matches!(other.state(), BackupState::Running | BackupState::Incomplete)) {
        return Ok(Placed::There(known));
    }
    let looked = to.vault.place(id).await;
    match looked.map_err(to.attempting(format_args!("look for backup {}", id.short())))? {
        Place::Taken => return Ok(Placed::There(None)),
        Place::Free => return Ok(Placed::Free(id)),
        Place::RuledOut => {}
    }
    // A copy was begun and given up: nothing can be committed under this id any more.
    for other in there.iter().filter(|other| {
        other.summary.started == backup.summary.started && other.summary.source == backup.summary.source
    }) {
        let Ok(record) = to.vault.record(other.id()).await else {
            continue;
        };
        let origin = record.origin.as_ref();
        if origin.is_some_and(|origin| origin.backup == id && origin.vault == from.vault.id()) {
            return Ok(Placed::There(Some(other)));
        }
    }
    Ok(Placed::Free(BackupId::random()))
}

/// Runs the plan: copies to the vault of `to` what it names in that of `from`.
///
/// # Errors
/// Failures of either vault. What was committed by then stays; a resume goes on with the rest.
pub async fn run(plan: Plan, op: Operation, to: Context, from: Context) -> Result<Finished, Failure> {
    let Work::Mirror(work) = plan.work else {
        return Err(Error::Plan {
            reason: "it is not one of a mirror".to_owned(),
        }
        .into());
    };
    let mut report = MirrorReport {
        from: from.vault_name.clone(),
        to: to.vault_name.clone(),
        there: work.there,
        problems: work.refused,
        ..MirrorReport::default()
    };
    let ledger = Ledger::default();
    for item in &work.items {
        match Copy::new(item, &op, (&from, &to), &ledger).run().await? {
            Copied::Done(mirrored) => report.copied.push(mirrored),
            Copied::There => report.there += 1,
            Copied::Refused(problem) => report.problems.push(problem),
        }
    }
    if !work.marked.is_empty() {
        let marked = op
            .step("copy marks")
            .retries(3)
            .run(|_| marks::follow(&work.marked, &from, &to))
            .await?;
        report.marked = marked.copies;
    }
    let partial = report
        .problems
        .iter()
        .map(|problem| format!("backup {} was not copied: {}", problem.path, problem.reason))
        .collect();
    finished(Outcome::Mirror(report), partial)
}
