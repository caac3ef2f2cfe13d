//! A restore of a cluster's backup: onto the nodes of a cluster, or into a directory of this machine.

mod plan;

use std::path::{Path, PathBuf};

use ostler_api::document::{NodeRestored, Outcome, Problem, RestoreReport};
use ostler_api::request::{NodeWork, Onto, Restore, RestoreWork};
use ostler_operations::{Finished, Operation, Policy};
use ostler_vault::{NodeRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Unit};

use super::past::past;
use super::{Cluster, Held, Member, Root, load, system};
use crate::problems::{bounded, in_short};
use crate::restore::{Written, finished, look_again};
use crate::{Context, Error};
use plan::Target;
pub(crate) use plan::plan;
pub(super) use plan::{enough_space, no_root};

/// How often a node is tried again: half a minute, so that an agent may be restarted.
const RETRIES: u32 = 6;

/// Where a part of a cluster's backup lies below a directory: `DIRECTORY/NODE/ROOT`.
pub(crate) fn below(directory: &Path, part: &NodeRecord) -> PathBuf {
    match (&part.root, part.host.as_str()) {
        (Some(root), host) => directory.join(host).join(root),
        (None, _) => directory.to_owned(),
    }
}

pub(super) fn cluster_of(context: &Context) -> Result<&Cluster, Failure> {
    let cluster = context.cluster.as_deref();
    cluster.ok_or_else(|| Failure::new(ErrorKind::Internal, "a restore to a cluster has none"))
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
    let done = match &work.load {
        Some(load) => load::run(request, onto, id, (&work, load), op, context).await,
        None => run_held(request, onto, id, work, op, context).await,
    };
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
    look_again(&request, id, op, context).await?;
    let record = context.record(id).await?;
    let targets = planned(&record, &work)?;
    let gets = |member: &&Member| targets.iter().any(|target| target.node == member.name);
    let nodes: Vec<Member> = cluster.members.iter().filter(gets).cloned().collect();
    let past = past(context, &record).await?;
    op.step("see that nothing runs")
        .retries(3)
        .run(|_| async {
            cluster.driver.ready(&nodes).await?;
            // It may have grown too old since it was planned.
            let pairs = targets
                .iter()
                .map(|target| (target.part.host.clone(), target.node.clone()));
            let judging = plan::judge(cluster, &past, &record, pairs.collect(), &request, onto, context);
            judging.await.map(|_| ())
        })
        .await?;
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
    let items = targets.iter().zip(&work.nodes).map(|(target, node)| {
        let approved = request.delete_extra.then(|| node.delete.clone());
        (
            target.name(),
            (target.clone(), target.download(&request, id, approved)),
        )
    });
    // A node that fails does not stop the others: what they got stays right, and another run does only the rest.
    let policy = Policy::collect().retries(RETRIES).unit(Unit::Bytes);
    let results = op
        .fan_out(
            "restore",
            items.collect(),
            cluster.limit,
            policy,
            |(target, download), step| async move {
                let done = cluster
                    .member(&target.node)?
                    .download(&download, &step.progress, &step.cancelled)
                    .await
                    .map_err(context.attempting(format_args!(
                        "restore {} of backup {}",
                        target.name(),
                        id.short()
                    )))?;
                Ok(Written::from(done))
            },
        )
        .await?;
    let (done, failed) = sum(&work.nodes, results);
    if let Some((_, failure)) = failed.into_iter().next() {
        let names: Vec<String> = done
            .nodes
            .iter()
            .map(|node| format!("{}/{}", node.node, node.root))
            .collect();
        let restored = match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        };
        return Err(failure
            .context(format!("not every node was restored; these were: {restored}"))
            .with_hint("run the restore again: what is right already is left alone"));
    }
    if let Some((_, parts)) = system::engine(context, &record)? {
        // The engine of the cluster that is restored brings back what that of the other may have stored.
        op.step("recover in the system")
            .retries(2)
            .run(|_| async { cluster.driver.recover(parts).await })
            .await?;
    }
    report(id, onto, done, work.advice, context)
}

/// The targets of the plan, which nobody asks the nodes for again: a plan is run as it was approved.
fn planned(record: &Record, work: &RestoreWork) -> Result<Vec<Target>, Failure> {
    let targets = work.nodes.iter().map(|node| {
        let mut parts = record.nodes.iter();
        let part =
            parts.find(|part| part.host == node.from && part.root.as_deref() == Some(node.root.as_str()));
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
                configured: None,
            },
        })
    });
    targets.collect()
}

/// What all nodes got together.
#[derive(Debug, Default)]
pub(super) struct Sum {
    written: Written,
    nodes: Vec<NodeRestored>,
}

type Failed = Vec<(String, Failure)>;

pub(super) fn sum<'a>(
    nodes: impl IntoIterator<Item = &'a NodeWork>,
    results: Vec<(String, Result<Written, Failure>)>,
) -> (Sum, Failed) {
    let (mut sum, mut failed) = (Sum::default(), Failed::new());
    for (target, (name, result)) in nodes.into_iter().zip(results) {
        let of_node = match result {
            Ok(written) => written,
            Err(failure) => {
                failed.push((name, failure));
                continue;
            }
        };
        sum.nodes.push(NodeRestored {
            from: target.from.clone(),
            node: target.node.clone(),
            root: target.root.clone(),
            files_written: of_node.files_written,
            files_kept: of_node.files_kept,
            bytes_written: of_node.bytes_written,
        });
        sum.written.add(Written {
            problems: named(&target.node, of_node.problems),
            ..of_node
        });
    }
    (sum, failed)
}

fn named(node: &str, problems: Vec<Problem>) -> Vec<Problem> {
    let named = |problem: Problem| Problem {
        path: format!("{node}:{}", problem.path),
        ..problem
    };
    problems.into_iter().map(named).collect()
}

pub(super) fn report(
    id: BackupId,
    onto: &Onto,
    done: Sum,
    advice: Vec<String>,
    context: &Context,
) -> Result<Finished, Failure> {
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
        owners: written.owners,
        nodes,
        advice,
    };
    finished(Outcome::Restore(report), partial)
}
