//! Who gets what, and whether that would go well.

use std::path::PathBuf;

use futures::{FutureExt as _, StreamExt as _};
use ostler_api::node::Download;
use ostler_api::request::{NodeWork, Onto, Overwrite, Plan, Restore, RestoreWork};
use ostler_vault::{NodeRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Unit};
use tokio_util::sync::CancellationToken;

use super::cluster_of;
use crate::cluster::past::past;
use crate::cluster::system::is_system;
use crate::cluster::{Cluster, Root, load, mapping};
use crate::driver::{Back, Past};
use crate::restore::{conflicts, plan_of};
use crate::{Context, Error};

/// How many files that stand in the way are named.
const NAMED: usize = 20;

/// A part with where it goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) part: NodeRecord,
    pub(super) node: String,
    pub(super) root: Root,
}

impl Target {
    pub(super) fn name(&self) -> String {
        let (from, root) = (&self.part.host, &self.root.name);
        match *from == self.node {
            true => format!("{from}/{root}"),
            false => format!("{from}/{root} to {}", self.node),
        }
    }

    pub(super) fn download(
        &self,
        request: &Restore,
        id: BackupId,
        approved: Option<Vec<PathBuf>>,
    ) -> Download {
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
    let parts: Vec<&NodeRecord> = record.nodes.iter().filter(|part| !is_system(part)).collect();
    let were = record.cluster.as_ref().map(|of| &of.places);
    let backup = mapping::placed(parts.iter().map(|part| part.host.as_str()), were);
    let there = mapping::placed(cluster.names(), Some(&cluster.places));
    let pairs = mapping::pairs(&backup, &there, onto)?;
    let mut asking = Vec::new();
    for (_, to) in &pairs {
        if let Some(member) = cluster.members.iter().find(|member| member.name == *to) {
            asking.push(member.roots().boxed());
        }
    }
    let answers: Vec<_> = futures::stream::iter(asking)
        .buffered(cluster.limit.max(1))
        .collect()
        .await;
    let mut targets = Vec::new();
    for ((from, to), roots) in pairs.iter().zip(answers) {
        let roots = roots?;
        for part in parts.iter().copied().filter(|part| part.host == *from) {
            let root = roots
                .iter()
                .find(|root| part.root.as_deref() == Some(root.name.as_str()));
            let root = root.ok_or_else(|| no_root(to, part))?;
            targets.push(Target {
                part: part.clone(),
                node: to.clone(),
                root: root.clone(),
            });
        }
    }
    Ok(targets)
}

/// A node that has no place for a part.
pub(in crate::cluster) fn no_root(node: &str, part: &NodeRecord) -> Failure {
    let told = format!("node `{node}` has no root for {} of the backup", part.part());
    Failure::new(ErrorKind::Invalid, told).with_hint("give it one of that name: [agent] roots of its file")
}

/// What the driver has to say of a backup that is put back so.
pub(super) async fn judge(
    cluster: &Cluster,
    past: &Past,
    record: &Record,
    mut pairs: Vec<(String, String)>,
    request: &Restore,
    onto: &Onto,
    context: &Context,
) -> Result<Vec<String>, Failure> {
    pairs.dedup();
    let tops = || record.nodes.iter().flat_map(|part| &part.paths);
    let below = |path: &PathBuf| {
        let below = tops().find_map(|top| path.strip_prefix(top).ok());
        below.map_or_else(|| path.clone(), PathBuf::from)
    };
    let include: Vec<PathBuf> = request.include.iter().map(below).collect();
    let back = Back {
        nodes: &pairs,
        include: &include,
        now: context.now(),
        allow_stale: onto.allow_stale,
    };
    cluster.driver.judge(past, &back).await
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

/// Refuses a backup of another kind of database than the cluster's.
fn of_driver(record: &Record, cluster: &Cluster) -> Result<(), Failure> {
    let name = cluster.driver.name();
    match record.nodes.iter().find(|part| part.driver != name) {
        None => Ok(()),
        Some(part) => Err(Failure::new(
            ErrorKind::Invalid,
            format!(
                "backup {} was made by the driver `{}`, and cluster `{}` has `{name}`",
                record.backup.short(),
                part.driver,
                cluster.name
            ),
        )
        .with_hint("[cluster.NAME.driver] says which driver a cluster has")),
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
    of_driver(record, cluster)?;
    if onto.is_load() {
        return load::plan(request, onto, record, cluster, context).await;
    }
    if onto.rename.is_some() {
        return Err(Error::Malformed {
            what: "`--as`".to_owned(),
            reason: "is for one `--table`".to_owned(),
        }
        .into());
    }
    let id = record.backup;
    let targets = targets(record, onto, cluster).await?;
    let pairs = targets
        .iter()
        .map(|target| (target.part.host.clone(), target.node.clone()));
    let past = past(context, record).await?;
    let advice = judge(cluster, &past, record, pairs.collect(), &request, onto, context).await?;
    let mut looking = Vec::new();
    for target in &targets {
        looking.push(preview(target, &request, id, cluster, context).boxed());
    }
    let found: Vec<_> = futures::stream::iter(looking)
        .buffered(cluster.limit.max(1))
        .collect()
        .await;
    let mut work = RestoreWork {
        advice,
        ..RestoreWork::default()
    };
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
    Ok(plan_of(request, id, work, context))
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
        tables: Vec::new(),
    });
}

/// Roots of a node may share a file system: what they get together has to fit into the least that is free.
pub(in crate::cluster) fn enough_space(work: &RestoreWork) -> Result<(), Failure> {
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
    let mut named: Vec<String> = work
        .delete
        .iter()
        .take(3)
        .map(|path| path.display().to_string())
        .collect();
    if work.delete.len() > named.len() {
        named.push("and others".to_owned());
    }
    Err(Failure::new(
        ErrorKind::Refused,
        format!("the nodes hold what is not in the backup: {}", named.join(", ")),
    )
    .with_hint("remove it with --delete-extra, or leave it with --into-used; nothing was written"))
}
