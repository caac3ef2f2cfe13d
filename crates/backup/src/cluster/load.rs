//! A restore into a system that runs: files of chosen tables are brought beside its own, and it loads them.
//!
//! Until everything is there nothing of the system is touched. Then what has to be there is made, tables that come back in
//! place are emptied, each node loads what it got, and what is made of that comes last. Files that were loaded are the system's;
//! the directories they were brought to go whatever comes of it.

mod plan;
mod spread;

use std::path::{Path, PathBuf};

use futures::future::join_all;
use ostler_api::node::{Download, SCRATCH_TREE};
use ostler_api::request::{LoadTable, LoadWork, NodeWork, Onto, Overwrite, Restore, RestoreWork};
use ostler_operations::{Finished, Operation, Policy};
use ostler_vault::{NodeRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Unit};

use super::restore::{Sum, cluster_of, report, sum};
use super::{Cluster, Member};
use crate::driver::LoadStage;
use crate::problems::in_short;
use crate::restore::{Written, look_again};
use crate::{Context, Error};
pub(crate) use plan::plan;

/// How often a node is tried again: half a minute, so that an agent may be restarted.
const RETRIES: u32 = 6;

/// A part that is brought to a node and loaded there.
#[derive(Debug, Clone)]
struct Portion {
    part: NodeRecord,
    work: NodeWork,
    member: Member,
    tables: Vec<LoadTable>,
}

impl Portion {
    fn name(&self) -> String {
        format!("{}/{} on {}", self.work.from, self.work.root, self.work.node)
    }

    fn tree(&self) -> PathBuf {
        self.work.to.join(SCRATCH_TREE)
    }

    /// Where the files of a table wait: it ends with the names it is loaded as.
    fn place(&self, table: &LoadTable) -> PathBuf {
        self.tree().join(&table.keyspace).join(&table.table)
    }

    fn download(&self, table: &LoadTable, id: BackupId) -> Download {
        let roots: Vec<PathBuf> = self.part.paths.iter().map(|top| top.join(&table.from)).collect();
        Download {
            backup: id,
            list: self.part.list.clone(),
            include: roots.clone(),
            roots,
            to: Some(self.place(table)),
            overwrite: Overwrite::Different,
            delete_extra: false,
            approved_deletes: None,
        }
    }
}

fn portions(
    record: &Record,
    work: &RestoreWork,
    load: &LoadWork,
    cluster: &Cluster,
) -> Result<Vec<Portion>, Failure> {
    let lacks = |reason: String| Failure::from(Error::Plan { reason });
    let mut portions = Vec::new();
    for node in work.nodes.iter().filter(|node| !node.tables.is_empty()) {
        let is_it =
            |part: &&NodeRecord| part.host == node.from && part.root.as_deref() == Some(node.root.as_str());
        let part = record.nodes.iter().find(is_it);
        let member = cluster.members.iter().find(|member| member.name == node.node);
        let is_held = |table: &&LoadTable| node.tables.contains(&table.from);
        portions.push(Portion {
            part: part
                .cloned()
                .ok_or_else(|| lacks(format!("the backup has no {}/{}", node.from, node.root)))?,
            member: member
                .cloned()
                .ok_or_else(|| lacks(format!("the cluster has no `{}`", node.node)))?,
            tables: load.tables.iter().filter(is_held).cloned().collect(),
            work: node.clone(),
        });
    }
    Ok(portions)
}

/// Runs the plan, under the cluster's lease.
pub(super) async fn run(
    request: Restore,
    onto: &Onto,
    id: BackupId,
    (work, load): (&RestoreWork, &LoadWork),
    op: &Operation,
    context: &Context,
) -> Result<Finished, Failure> {
    let cluster = cluster_of(context)?;
    look_again(&request, id, op, context).await?;
    let record = context.record(id).await?;
    let portions = portions(&record, work, load, cluster)?;
    make_room(&portions, op).await?;
    let fetched = fetch(&portions, id, op, cluster, context).await?;
    op.step("see that nodes can load")
        .retries(2)
        .run(|_| async {
            let asking = portions.iter().map(|portion| async move {
                let tree = portion.tree();
                cluster.driver.may_load(load, &portion.member, &tree).await
            });
            let answers = join_all(asking).await.into_iter();
            answers.collect::<Result<(), Failure>>()
        })
        .await?;
    let mut prepare = op.step("prepare the system").retries(3);
    if !load.before.is_empty() {
        prepare = prepare.leaves("what was made for the tables, without rows");
    }
    prepare
        .run(|_| async { cluster.driver.run_load(load, LoadStage::Prepare).await })
        .await?;
    empty(load, op, cluster).await?;
    load_all(&portions, load, op, cluster).await?;
    op.step("finish in the system")
        .retries(3)
        .run(|_| async { cluster.driver.run_load(load, LoadStage::Finish).await })
        .await?;
    op.step("clear up")
        .retries(3)
        .run(|_| async { clear(&places(&portions)).await })
        .await?;
    report(id, onto, fetched, work.advice.clone(), context)
}

/// Nodes with the directories that files are brought to.
type Places = Vec<(Member, PathBuf)>;

fn places(portions: &[Portion]) -> Places {
    let place = |portion: &Portion| (portion.member.clone(), portion.work.to.clone());
    portions.iter().map(place).collect()
}

async fn clear(places: &Places) -> Result<(), Failure> {
    for (member, directory) in places {
        member.node.remove_scratch(directory.clone()).await?;
    }
    Ok(())
}

async fn make_room(portions: &[Portion], op: &Operation) -> Result<(), Failure> {
    let made = places(portions);
    op.step("make room")
        .retries(2)
        .run_with_undo(
            |_| async {
                for portion in portions {
                    portion.member.node.make_scratch(portion.work.to.clone()).await?;
                }
                Ok(())
            },
            move |_: Option<()>| {
                let made = made.clone();
                async move { clear(&made).await }
            },
        )
        .await
}

/// Brings all files to their nodes. What is not whole is not loaded: the system would take rows for all there are.
async fn fetch(
    portions: &[Portion],
    id: BackupId,
    op: &Operation,
    cluster: &Cluster,
    context: &Context,
) -> Result<Sum, Failure> {
    let items = portions.iter().map(|portion| (portion.name(), portion.clone()));
    let policy = Policy::cancel().retries(RETRIES).unit(Unit::Bytes);
    let results = op
        .fan_out("fetch", items.collect(), cluster.limit, policy, |portion, step| async move {
            let mut written = Written::default();
            for table in &portion.tables {
                let done = portion
                    .member
                    .node
                    .download(&portion.download(table, id), &step.progress, &step.cancelled)
                    .await
                    .map_err(context.attempting(format_args!("fetch {} of backup {}", portion.name(), id.short())))?;
                written.add(Written::from(done));
            }
            if !written.problems.is_empty() {
                let kind = match written.damaged {
                    true => ErrorKind::Corrupt,
                    false => ErrorKind::Internal,
                };
                let told = format!("{}: not all could be fetched: {}", portion.name(), in_short(&written.problems));
                let hint = "nothing was loaded; tables whose files are whole can be restored with --allow-incomplete";
                return Err(Failure::new(kind, told).with_hint(hint));
            }
            Ok(written)
        })
        .await?;
    let (done, failed) = sum(portions.iter().map(|portion| &portion.work), results);
    match failed.into_iter().next() {
        Some((_, failure)) => Err(failure),
        None => Ok(done),
    }
}

async fn empty(load: &LoadWork, op: &Operation, cluster: &Cluster) -> Result<(), Failure> {
    op.step("record removals")
        .run(|_| async {
            for table in &load.empties {
                op.audit("empty table", table, 0, "it comes back in place")
                    .await?;
            }
            Ok(())
        })
        .await?;
    let mut step = op.step("empty").retries(2);
    if !load.empties.is_empty() {
        step = step.leaves(
            "tables that were emptied: run the restore again; Cassandra's own snapshot has what was in them",
        );
    }
    step.run(|_| async { cluster.driver.run_load(load, LoadStage::Empty).await })
        .await
}

async fn load_all(
    portions: &[Portion],
    load: &LoadWork,
    op: &Operation,
    cluster: &Cluster,
) -> Result<(), Failure> {
    let items = portions.iter().map(|portion| (portion.name(), portion.clone()));
    let policy = Policy::collect().retries(2);
    let results = op
        .fan_out(
            "load",
            items.collect(),
            cluster.limit,
            policy,
            |portion, step| async move {
                for table in &portion.tables {
                    let place: &Path = &portion.place(table);
                    let loading = cluster
                        .driver
                        .load(load, table, &portion.member, place, &step.cancelled);
                    loading.await?;
                }
                Ok(())
            },
        )
        .await?;
    let failed = results.into_iter().find_map(|(_, result)| result.err());
    failed.map_or(Ok(()), |failure| {
        Err(failure.with_hint("run the restore again: what is not loaded yet is not in the tables"))
    })
}
