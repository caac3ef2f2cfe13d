//! `restore`: write the files of a backup back, each byte verified.

use futures::join;
use ostler_api::document::{BackupState, OtherOwners, Outcome, Problem, RestoreReport};
use ostler_api::node::{Download, Downloaded};
use ostler_api::request::{Overwrite, Plan, Request, Restore, RestoreWork, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::{NodeRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Unit};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::cluster::restore as cluster;
use crate::problems::{bounded, in_short};
use crate::state::Backup;
use crate::{Context, Error, digest, select};

/// The kind's name in the journal.
pub const KIND: &str = "restore";
/// The version of its steps.
pub const VERSION: u32 = 1;

/// Works out what a restore would change.
///
/// # Errors
/// When no backup is meant, or the one that is may not be restored; failures of vault and node.
pub async fn plan(mut request: Restore, context: &Context) -> Result<Plan, Failure> {
    let backups = context.backups().await?;
    let backup = select::resolve(&backups, &request.backup.backup, &request.backup.filter)?;
    let meant = (&request.backup.backup[..], &request.backup.filter);
    context.refuse_future(&backups, meant, backup).await?;
    may_restore(backup, request.allow_incomplete)?;
    let id = backup.id();
    request.backup.backup = id.to_string();
    let record = context.record(id).await?;
    if let Some(onto) = request.onto.clone() {
        return cluster::plan(request, &onto, &record, context).await;
    }
    let download = download(&request, id, only_node(&record)?, None);
    let work = context
        .node
        .preview(&download, &Progress::new(Unit::Files), &CancellationToken::new())
        .await
        .map_err(context.attempting(format_args!(
            "work out what restoring backup {} changes",
            id.short()
        )))?;
    Ok(plan_of(request, id, work, context))
}

/// The plan of this work.
pub(crate) fn plan_of(request: Restore, id: BackupId, work: RestoreWork, context: &Context) -> Plan {
    Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: subject(id, &request),
        backups: vec![id],
        digest: digest_of(&request, id, &work),
        work: Work::Restore(work),
        request: Request::Restore(request),
    }
}

/// The step that sees whether a backup of a cluster is still one that may be restored.
pub(crate) async fn look_again(
    request: &Restore,
    id: BackupId,
    op: &Operation,
    context: &Context,
) -> Result<(), Failure> {
    op.step("look again")
        .retries(3)
        .run(|_| async {
            let backups = context.backups().await?;
            let backup = select::resolve(&backups, &id.to_string(), &Default::default())?;
            Ok(may_restore(backup, request.allow_incomplete)?)
        })
        .await
}

/// Only good backups are restored without anybody insisting; what was never committed cannot be.
///
/// # Errors
/// [`Error::State`]
pub fn may_restore(backup: &Backup, allow_incomplete: bool) -> Result<(), Error> {
    let state = backup.state();
    let refused = |reason, hint| {
        Err(Error::State {
            id: backup.id(),
            state,
            reason,
            hint,
        })
    };
    match state {
        BackupState::Complete | BackupState::Verified => Ok(()),
        BackupState::Running | BackupState::Incomplete => refused(
            "it was never committed and cannot be restored",
            "choose a complete one: `ostler backup list`",
        ),
        BackupState::Partial | BackupState::Damaged if allow_incomplete => Ok(()),
        BackupState::Partial => refused(
            "files are missing from it",
            "`ostler backup show` lists them; --allow-incomplete restores the rest",
        ),
        BackupState::Damaged => refused(
            "stored data of it is missing or wrong",
            "`ostler backup show` lists what; --allow-incomplete restores what is left",
        ),
    }
}

/// The one node of a backup of files on one machine.
pub(crate) fn only_node(record: &Record) -> Result<&NodeRecord, Failure> {
    match record.nodes.as_slice() {
        [node] if record.cluster.is_none() => Ok(node),
        nodes => Err(Failure::new(
            ErrorKind::Invalid,
            format!(
                "backup {} is of a cluster with {} parts",
                record.backup.short(),
                nodes.len()
            ),
        )
        .with_hint("say where its nodes go: --cluster NAME")),
    }
}

fn download(
    request: &Restore,
    id: BackupId,
    node: &NodeRecord,
    approved: Option<Vec<std::path::PathBuf>>,
) -> Download {
    Download {
        backup: id,
        list: node.list.clone(),
        roots: node.paths.clone(),
        to: request.to.clone(),
        include: request.include.clone(),
        overwrite: request.overwrite,
        delete_extra: request.delete_extra,
        approved_deletes: approved,
    }
}

pub(crate) fn subject(id: BackupId, request: &Restore) -> String {
    match (&request.onto, &request.to) {
        (Some(onto), _) => format!("{} to cluster {}", id.short(), onto.cluster),
        (None, Some(to)) => format!("{} to {}", id.short(), to.display()),
        (None, None) => format!("{} to its original place", id.short()),
    }
}

pub(crate) fn digest_of(request: &Restore, id: BackupId, work: &RestoreWork) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let parameters = serde_json::to_vec(request).unwrap_or_default();
    let deletes = work
        .delete
        .iter()
        .map(|path| (path.as_os_str().as_bytes(), "delete"));
    let load = work.load.iter();
    let statements = load.flat_map(|load| {
        load.before
            .iter()
            .chain(&load.after)
            .map(|text| (text.as_bytes(), "run"))
    });
    let empties = work
        .load
        .iter()
        .flat_map(|load| load.empties.iter().map(|table| (table.as_bytes(), "empty")));
    let backup = (&id.as_bytes()[..], "restore");
    digest::digest(
        KIND,
        &[&parameters],
        deletes.chain(statements).chain(empties).chain([backup]),
    )
}

/// What a restore wrote, as its step records it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) files_written: u64,
    pub(crate) files_kept: u64,
    pub(crate) bytes_written: u64,
    pub(crate) bytes_verified: u64,
    pub(crate) deleted: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) damaged: bool,
    #[serde(default)]
    pub(crate) owners: OtherOwners,
}

impl Written {
    /// Adds what something else wrote.
    pub(crate) fn add(&mut self, other: Self) {
        self.files_written += other.files_written;
        self.files_kept += other.files_kept;
        self.bytes_written += other.bytes_written;
        self.bytes_verified += other.bytes_verified;
        self.deleted += other.deleted;
        self.damaged |= other.damaged;
        self.owners.entries += other.owners.entries;
        self.owners.set_id += other.owners.set_id;
        self.problems.extend(other.problems);
    }
}

impl From<Downloaded> for Written {
    fn from(done: Downloaded) -> Self {
        Self {
            files_written: done.files_written,
            files_kept: done.files_kept,
            bytes_written: done.bytes_written,
            bytes_verified: done.bytes_verified,
            deleted: done.deleted.len() as u64,
            problems: bounded(done.problems),
            damaged: done.damaged,
            owners: done.owners,
        }
    }
}

/// Runs the plan.
///
/// # Errors
/// `Refused` for conflicts and states, failures of vault and node. Files whose stored data is missing or wrong are in the
/// report, which says so; all others are restored.
pub async fn run(plan: Plan, op: Operation, context: Context) -> Result<Finished, Failure> {
    let (Request::Restore(request), [id], Work::Restore(work)) =
        (plan.request, plan.backups.as_slice(), plan.work)
    else {
        return Err(Error::Plan {
            reason: "it is not one of a restore".to_owned(),
        }
        .into());
    };
    let id = *id;
    if let Some(onto) = request.onto.clone() {
        return cluster::run(request, &onto, id, work, &op, &context).await;
    }
    if request.overwrite == Overwrite::Never && !work.conflicts.is_empty() {
        return Err(conflicts(&work));
    }
    let node = op
        .step("look again")
        .retries(3)
        .run(|_| async {
            let (backups, record) = join!(context.backups(), context.record(id));
            let backups = backups?;
            let backup = select::resolve(&backups, &id.to_string(), &Default::default())?;
            may_restore(backup, request.allow_incomplete)?;
            let record = record?;
            let node = only_node(&record)?;
            Ok((node.list.clone(), node.paths.clone()))
        })
        .await?;
    let node = NodeRecord {
        host: String::new(),
        driver: String::new(),
        list: node.0,
        paths: node.1,
        root: None,
    };
    if request.delete_extra {
        op.step("record removals")
            .run(|_| async {
                for path in &work.delete {
                    let item = path.display().to_string();
                    op.audit("delete file", &item, 0, "not in the backup, by --delete-extra")
                        .await?;
                }
                Ok(())
            })
            .await?;
    }
    let approved = request.delete_extra.then(|| work.delete.clone());
    let download = download(&request, id, &node, approved);
    let written = op
        .step("restore")
        .unit(Unit::Bytes)
        .retries(3)
        .leaves("files that were restored so far; each is whole")
        .run(|step| {
            let (download, context) = (&download, &context);
            async move {
                let done = context
                    .node
                    .download(download, &step.progress, &step.cancelled)
                    .await
                    .map_err(context.attempting(format_args!("restore backup {}", id.short())))?;
                Ok(Written::from(done))
            }
        })
        .await?;
    let partial = match written.problems.as_slice() {
        [] => Vec::new(),
        problems if written.damaged => vec![format!(
            "vault `{}`: stored data of backup {} is missing or wrong: {}",
            context.vault_name,
            id.short(),
            in_short(problems)
        )],
        problems => vec![format!(
            "not everything could be restored: {}",
            in_short(problems)
        )],
    };
    let report = RestoreReport {
        backup: id,
        to: request.to,
        files_written: written.files_written,
        files_kept: written.files_kept,
        bytes_written: written.bytes_written,
        bytes_verified: written.bytes_verified,
        deleted: written.deleted,
        problems: written.problems,
        damaged: written.damaged,
        owners: written.owners,
        nodes: Vec::new(),
        advice: Vec::new(),
    };
    finished(Outcome::Restore(report), partial)
}

pub(crate) fn conflicts(work: &RestoreWork) -> Failure {
    let mut named: Vec<String> = work
        .conflicts
        .iter()
        .take(3)
        .map(|path| path.display().to_string())
        .collect();
    if work.conflicts.len() > named.len() {
        named.push("and others".to_owned());
    }
    Failure::new(
        ErrorKind::Refused,
        format!(
            "files are there already and differ from the backup: {}",
            named.join(", ")
        ),
    )
    .with_hint("restore elsewhere with --to, or replace them with --overwrite different; nothing was written")
}

/// The end of a run, with its report.
pub(crate) fn finished(outcome: Outcome, partial: Vec<String>) -> Result<Finished, Failure> {
    Ok(Finished {
        outcome: serde_json::to_value(outcome)
            .map_err(|e| Failure::new(ErrorKind::Internal, format!("cannot write the report: {e}")))?,
        partial,
    })
}
