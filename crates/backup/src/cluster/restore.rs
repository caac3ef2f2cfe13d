//! A restore of a cluster's backup: onto the nodes of a cluster, or into a directory of this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::{FutureExt as _, StreamExt as _};
use ostler_api::document::{NodeRestored, Outcome, Problem, RestoreReport};
use ostler_api::node::Download;
use ostler_api::request::{NodeWork, Onto, Overwrite, Plan, Request, Restore, RestoreWork, Work};
use ostler_operations::{Finished, Operation, Policy};
use ostler_vault::{NodeRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Unit};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Cluster, Held, Root, mapping};
use crate::problems::{bounded, in_short};
use crate::restore::{conflicts, digest_of, finished, may_restore, subject};
use crate::{Context, Error, select};

/// How often a node is tried again: half a minute, so that an agent may be restarted.
const RETRIES: u32 = 6;
/// How many files that stand in the way are named.
const NAMED: usize = 20;

/// Where a part of a cluster's backup lies below a directory: `DIRECTORY/NODE/ROOT`.
pub(crate) fn below(directory: &Path, part: &NodeRecord) -> PathBuf {
    match (&part.root, part.host.as_str()) {
        (Some(root), host) => directory.join(host).join(root),
        (None, _) => directory.to_owned(),
    }
}

/// A part with where it goes.
#[derive(Debug, Clone)]
struct Target {
    part: NodeRecord,
    node: String,
    root: Root,
}

impl Target {
    fn name(&self) -> String {
        let (from, root) = (&self.part.host, &self.root.name);
        match *from == self.node {
            true => format!("{from}/{root}"),
            false => format!("{from}/{root} to {}", self.node),
        }
    }

    fn download(&self, request: &Restore, id: BackupId, approved: Option<Vec<PathBuf>>) -> Download {
        Download {
            backup: id,
            list: self.part.list.clone(),
            roots: self.part.paths.clone(),
            to: Some(self.root.path.clone()),
            include: request.include.clone(),
            overwrite: request.overwrite,
            delete_extra: request.delete_extra,
            approved_deletes: approved,
        }
    }
}

/// Every part that is meant, with where it goes; from what is in the backup and what the nodes say now.
async fn targets(record: &Record, onto: &Onto, cluster: &Cluster) -> Result<Vec<Target>, Failure> {
    let nodes: BTreeSet<&str> = record.nodes.iter().map(|part| part.host.as_str()).collect();
    let pairs = mapping::pairs(&nodes, &cluster.names(), onto)?;
    let mut asking = Vec::new();
    for (_, to) in &pairs {
        if let Some(member) = cluster.members.iter().find(|member| member.name == *to) {
            asking.push(member.roots().boxed());
        }
    }
    let answers: Vec<_> = futures::stream::iter(asking).buffered(cluster.limit.max(1)).collect().await;
    let mut targets = Vec::new();
    for ((from, to), roots) in pairs.iter().zip(answers) {
        let roots = roots?;
        for part in record.nodes.iter().filter(|part| part.host == *from) {
            let root = roots.iter().find(|root| part.root.as_deref() == Some(root.name.as_str()));
            let Some(root) = root else {
                return Err(Failure::new(
                    ErrorKind::Invalid,
                    format!("node `{to}` has no root for {} of the backup", part.part()),
                )
                .with_hint("give it one of that name: [agent] roots of its file"));
            };
            targets.push(Target {
                part: part.clone(),
                node: to.clone(),
                root: root.clone(),
            });
        }
    }
    Ok(targets)
}

/// Refuses a backup that is not of a cluster.
fn of_cluster(record: &Record) -> Result<(), Failure> {
    match record.cluster {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            ErrorKind::Invalid,
            format!("backup {} is not of a cluster", record.backup.short()),
        )
        .with_hint("restore it without --cluster")),
    }
}

/// Works out who gets what, and refuses what would not go well.
pub(crate) async fn plan(
    request: Restore,
    onto: &Onto,
    record: &Record,
    context: &Context,
) -> Result<Plan, Failure> {
    of_cluster(record)?;
    let cluster = cluster_of(context)?;
    let id = record.backup;
    let targets = targets(record, onto, cluster).await?;
    let mut looking = Vec::new();
    for target in &targets {
        looking.push(preview(target, &request, id, cluster, context).boxed());
    }
    let found: Vec<_> = futures::stream::iter(looking).buffered(cluster.limit.max(1)).collect().await;
    let mut work = RestoreWork::default();
    for (target, found) in targets.iter().zip(found) {
        add(&mut work, target, found?, &request);
    }
    enough_space(&work)?;
    work.conflicts.truncate(NAMED);
    if request.overwrite == Overwrite::Never && !work.conflicts.is_empty() {
        return Err(conflicts(&work).with_hint(
            "replace them with --overwrite different, or restore to other nodes; nothing was written",
        ));
    }
    if !request.delete_extra && !onto.into_used {
        refuse_used(&work)?;
    }
    if !request.delete_extra {
        work.delete.clear();
        for node in &mut work.nodes {
            node.delete.clear();
        }
    }
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: subject(id, &request),
        backups: vec![id],
        digest: digest_of(&request, id, &work),
        work: Work::Restore(work),
        request: Request::Restore(request),
    })
}

async fn preview(
    target: &Target,
    request: &Restore,
    id: BackupId,
    cluster: &Cluster,
    context: &Context,
) -> Result<RestoreWork, Failure> {
    // What is there and not in the backup is looked for in any case.
    let download = Download {
        delete_extra: true,
        ..target.download(request, id, None)
    };
    cluster
        .member(&target.node)?
        .preview(&download, &Progress::new(Unit::Files), &CancellationToken::new())
        .await
        .map_err(context.attempting(format_args!("work out what restoring {} changes", target.name())))
}

fn cluster_of(context: &Context) -> Result<&Cluster, Failure> {
    let cluster = context.cluster.as_deref();
    cluster.ok_or_else(|| Failure::new(ErrorKind::Internal, "a restore to a cluster has none"))
}

fn add(work: &mut RestoreWork, target: &Target, found: RestoreWork, request: &Restore) {
    let named = |path: &PathBuf| PathBuf::from(format!("{}:{}", target.node, path.display()));
    work.create += found.create;
    work.replace += found.replace;
    work.keep += found.keep;
    work.bytes += found.bytes;
    work.delete.extend(found.delete.iter().map(named));
    if request.overwrite == Overwrite::Never {
        work.conflicts.extend(found.conflicts.iter().map(named));
    }
    if let Some(estimate) = found.estimate {
        let sum = work.estimate.get_or_insert_default();
        sum.bytes += estimate.bytes;
        sum.requests += estimate.requests;
    }
    work.nodes.push(NodeWork {
        from: target.part.host.clone(),
        node: target.node.clone(),
        root: target.root.name.clone(),
        to: target.root.path.clone(),
        create: found.create,
        replace: found.replace,
        keep: found.keep,
        bytes: found.bytes,
        free: target.root.free,
        delete: found.delete,
    });
}

/// Roots of a node may share a file system: what they get together has to fit into the least that is free.
fn enough_space(work: &RestoreWork) -> Result<(), Failure> {
    for node in &work.nodes {
        let of_node = work.nodes.iter().filter(|other| other.node == node.node);
        let needed: u64 = of_node.map(|other| other.bytes).sum();
        if needed > node.free {
            return Err(Failure::new(
                ErrorKind::Refused,
                format!(
                    "node `{}` would get {needed} bytes, and {} has {} free",
                    node.node,
                    node.to.display(),
                    node.free
                ),
            )
            .with_hint("make room there, or restore to another node with --node; nothing was written"));
        }
    }
    Ok(())
}

fn refuse_used(work: &RestoreWork) -> Result<(), Failure> {
    if work.delete.is_empty() {
        return Ok(());
    }
    let mut named: Vec<String> = work.delete.iter().take(3).map(|path| path.display().to_string()).collect();
    if work.delete.len() > named.len() {
        named.push("and others".to_owned());
    }
    Err(Failure::new(
        ErrorKind::Refused,
        format!("the nodes hold what is not in the backup: {}", named.join(", ")),
    )
    .with_hint("remove it with --delete-extra, or leave it with --into-used; nothing was written"))
}

/// What a part's step wrote.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Written {
    files_written: u64,
    files_kept: u64,
    bytes_written: u64,
    bytes_verified: u64,
    deleted: u64,
    problems: Vec<Problem>,
    damaged: bool,
}

/// Runs the plan, under the cluster's lease.
pub(crate) async fn run(
    request: Restore,
    onto: &Onto,
    id: BackupId,
    work: RestoreWork,
    op: &Operation,
    context: &Context,
) -> Result<Finished, Failure> {
    let held = Held::take(op, context, "a restore").await?;
    let done = run_held(request, onto, id, work, op, context).await;
    if let Some(held) = held {
        held.release().await;
    }
    done
}

async fn run_held(
    request: Restore,
    onto: &Onto,
    id: BackupId,
    work: RestoreWork,
    op: &Operation,
    context: &Context,
) -> Result<Finished, Failure> {
    let cluster = cluster_of(context)?;
    op.step("look again")
        .retries(3)
        .run(|_| async {
            let backups = context.backups().await?;
            let backup = select::resolve(&backups, &id.to_string(), &Default::default())?;
            Ok(may_restore(backup, request.allow_incomplete)?)
        })
        .await?;
    let record = context.record(id).await?;
    let targets = planned(&record, &work)?;
    if request.delete_extra {
        op.step("record removals")
            .run(|_| async {
                for path in &work.delete {
                    let item = path.display().to_string();
                    op.audit("delete file", &item, 0, "not in the backup, by --delete-extra").await?;
                }
                Ok(())
            })
            .await?;
    }
    let items = targets.iter().zip(&work.nodes).map(|(target, node)| {
        let approved = request.delete_extra.then(|| node.delete.clone());
        (target.name(), (target.clone(), target.download(&request, id, approved)))
    });
    // A node that fails does not stop the others: what they got stays right, and another run does only the rest.
    let policy = Policy::collect().retries(RETRIES).unit(Unit::Bytes);
    let results = op
        .fan_out("restore", items.collect(), cluster.limit, policy, |(target, download), step| async move {
            let done = cluster
                .member(&target.node)?
                .download(&download, &step.progress, &step.cancelled)
                .await
                .map_err(context.attempting(format_args!("restore {} of backup {}", target.name(), id.short())))?;
            Ok(Written {
                files_written: done.files_written,
                files_kept: done.files_kept,
                bytes_written: done.bytes_written,
                bytes_verified: done.bytes_verified,
                deleted: done.deleted.len() as u64,
                problems: bounded(done.problems),
                damaged: done.damaged,
            })
        })
        .await?;
    let (done, failed) = sum(&targets, results);
    if let Some((_, failure)) = failed.into_iter().next() {
        let names: Vec<String> = done.nodes.iter().map(|node| format!("{}/{}", node.node, node.root)).collect();
        let restored = match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        };
        return Err(failure.context(format!("not every node was restored; these were: {restored}")).with_hint(
            "run the restore again: what is right already is left alone",
        ));
    }
    report(id, onto, done, context)
}

/// The targets of the plan, which nobody asks the nodes for again: a plan is run as it was approved.
fn planned(record: &Record, work: &RestoreWork) -> Result<Vec<Target>, Failure> {
    let targets = work.nodes.iter().map(|node| {
        let mut parts = record.nodes.iter();
        let part = parts.find(|part| part.host == node.from && part.root.as_deref() == Some(node.root.as_str()));
        let part = part.ok_or_else(|| Error::Plan {
            reason: format!("the backup has no {}/{}", node.from, node.root),
        })?;
        Ok(Target {
            part: part.clone(),
            node: node.node.clone(),
            root: Root {
                name: node.root.clone(),
                path: node.to.clone(),
                free: node.free,
            },
        })
    });
    targets.collect()
}

/// What all nodes got together.
#[derive(Debug, Default)]
struct Sum {
    written: Written,
    nodes: Vec<NodeRestored>,
}

type Failed = Vec<(String, Failure)>;

fn sum(targets: &[Target], results: Vec<(String, Result<Written, Failure>)>) -> (Sum, Failed) {
    let (mut sum, mut failed) = (Sum::default(), Failed::new());
    for (target, (name, result)) in targets.iter().zip(results) {
        let of_node = match result {
            Ok(written) => written,
            Err(failure) => {
                failed.push((name, failure));
                continue;
            }
        };
        sum.nodes.push(NodeRestored {
            from: target.part.host.clone(),
            node: target.node.clone(),
            root: target.root.name.clone(),
            files_written: of_node.files_written,
            files_kept: of_node.files_kept,
            bytes_written: of_node.bytes_written,
        });
        let all = &mut sum.written;
        all.files_written += of_node.files_written;
        all.files_kept += of_node.files_kept;
        all.bytes_written += of_node.bytes_written;
        all.bytes_verified += of_node.bytes_verified;
        all.deleted += of_node.deleted;
        all.damaged |= of_node.damaged;
        all.problems.extend(of_node.problems.into_iter().map(|problem| Problem {
            path: format!("{}:{}", target.node, problem.path),
            ..problem
        }));
    }
    (sum, failed)
}

fn report(id: BackupId, onto: &Onto, done: Sum, context: &Context) -> Result<Finished, Failure> {
    let Sum { written, nodes } = done;
    let problems = bounded(written.problems);
    let partial = match problems.as_slice() {
        [] => Vec::new(),
        problems if written.damaged => vec![format!(
            "vault `{}`: stored data of backup {} is missing or wrong: {}",
            context.vault_name,
            id.short(),
            in_short(problems)
        )],
        problems => vec![format!(
            "not everything could be restored to cluster `{}`: {}",
            onto.cluster,
            in_short(problems)
        )],
    };
    let report = RestoreReport {
        backup: id,
        to: None,
        files_written: written.files_written,
        files_kept: written.files_kept,
        bytes_written: written.bytes_written,
        bytes_verified: written.bytes_verified,
        deleted: written.deleted,
        problems,
        damaged: written.damaged,
        nodes,
    };
    finished(Outcome::Restore(report), partial)
}
