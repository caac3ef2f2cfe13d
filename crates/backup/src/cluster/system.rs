//! What a backup of a cluster does through the driver of its database.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_api::document::{BackupCounts, Problem, Source};
use ostler_operations::StepBuilder;
use ostler_vault::list::{Entry, EntryKind, Extent, FileTime, ListWriter, Metadata};
use ostler_vault::{ChunkKind, ClusterRecord, Error as VaultError, ExternalRecord, NodeRecord, Record};
use ostler_vocabulary::{ErrorKind, Failure};

use super::answers::too_few;
use super::create::REASON;
use super::facts::Facts;
use super::{Cluster, Member};
use crate::Context;
use crate::create::{Create, Sent};
use crate::driver::Look;

/// The largest piece of a document that is stored as one.
const PIECE: usize = 1 << 20;

impl Create<'_> {
    /// Has the database write out what it has in memory. Gives the nodes on which it did not, and why.
    pub(super) async fn flush(
        &self,
        cluster: &Cluster,
        nodes: &[Member],
        least: usize,
        suffix: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        self.keyed("flush", suffix)
            .retries(2)
            .run(|step| async move {
                let failed = cluster.driver.flush(nodes, &step.cancelled).await?;
                enough(cluster, nodes, failed, least)
            })
            .await
    }

    /// Looks again, and stores what the system says of itself. `None` where it says nothing.
    pub(super) async fn describe(
        &self,
        cluster: &Cluster,
        nodes: &[Member],
        before: &Look,
        suffix: &str,
    ) -> Result<Option<Sent>, Failure> {
        self.keyed("describe the system", suffix)
            .retries(3)
            .run(|_| async {
                let now = cluster.driver.look(nodes).await?;
                same(cluster, nodes, before, &now)?;
                if now.documents.is_empty() {
                    return Ok(None);
                }
                let facts = Facts::document(before, &now);
                let mut documents = now.documents;
                documents.extend(facts);
                // Another round begins where something was missing: then packs have to be in the store to count.
                let compare = self.request.read_all || !suffix.is_empty();
                let written = write(self.context, cluster, documents, compare).await;
                written.map(Some)
            })
            .await
    }

    /// Has the engine store what it keeps itself.
    pub(super) async fn store_external(
        &self,
        cluster: &Arc<Cluster>,
        suffix: &str,
    ) -> Result<Vec<ExternalRecord>, Failure> {
        // The same however often the backup has to be begun again.
        let (kept, id) = (Arc::clone(cluster), self.id);
        self.keyed("store in the system", suffix)
            .retries(2)
            .run_with_undo(
                |step| async move {
                    if !suffix.is_empty() {
                        // What an earlier round stored is of another moment than the files of this one.
                        cluster.driver.abandon(id).await?;
                    }
                    cluster.driver.store(id, &step.cancelled).await
                },
                move |_| {
                    let cluster = Arc::clone(&kept);
                    async move { cluster.driver.abandon(id).await }
                },
            )
            .await
    }

    /// Lets go of what is frozen, as soon as it was read. A node that failed before may fail here: the next backup takes away
    /// what is left on it.
    pub(super) async fn release(
        &self,
        cluster: &Cluster,
        nodes: &[Member],
        failed: &[&str],
        suffix: &str,
    ) -> Result<(), Failure> {
        self.keyed("release", suffix)
            .retries(3)
            .run(|_| async {
                let releasing = nodes.iter().map(|node| async move {
                    let released = cluster.driver.release(std::slice::from_ref(node)).await;
                    (node, released)
                });
                for (node, released) in futures::future::join_all(releasing).await {
                    match released {
                        Err(failure) if failed.contains(&node.name.as_str()) => {
                            tracing::warn!(node = node.name, %failure, "what was frozen was not let go");
                        }
                        released => released?,
                    }
                }
                Ok(())
            })
            .await
    }

    /// A step of this round of the backup.
    pub(super) fn keyed(&self, name: &str, suffix: &str) -> StepBuilder<'_> {
        let step = self.op.step(name);
        match suffix.trim_start() {
            "" => step,
            key => step.key(key),
        }
    }
}

/// Why nodes are missing, where the others are enough.
pub(super) fn enough(
    cluster: &Cluster,
    nodes: &[Member],
    failed: Vec<(String, Failure)>,
    least: usize,
) -> Result<BTreeMap<String, String>, Failure> {
    let present = nodes.len().saturating_sub(failed.len());
    if present < least {
        return Err(too_few(cluster, failed, present, cluster.members.len(), least));
    }
    let told = failed.into_iter().map(|(name, failure)| {
        let reason = failure.messages().join(": ");
        (name, reason.chars().take(REASON).collect())
    });
    Ok(told.collect())
}

/// Refuses what changed between the two looks.
fn same(cluster: &Cluster, nodes: &[Member], before: &Look, now: &Look) -> Result<(), Failure> {
    if let Some((node, reason)) = now.down.first_key_value() {
        let told = format!("node `{node}` went down while its files were being frozen: {reason}");
        return Err(Failure::new(ErrorKind::Unavailable, told));
    }
    let other = |(what, value): &(&String, &String)| now.steady.get(*what) != Some(*value);
    let mut changed: Vec<&String> = before.steady.iter().filter(other).map(|(what, _)| what).collect();
    changed.extend(
        now.steady
            .keys()
            .filter(|what| !before.steady.contains_key(*what)),
    );
    let mut changed: Vec<String> = changed.into_iter().cloned().collect();
    let moved = |node: &&Member| before.nodes.get(&node.name) != now.nodes.get(&node.name);
    changed.extend(
        nodes
            .iter()
            .filter(moved)
            .map(|node| format!("node `{}`", node.name)),
    );
    if changed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        ErrorKind::Conflict,
        format!(
            "{} of cluster `{}` changed while its files were being frozen",
            changed.join(", "),
            cluster.name
        ),
    )
    .with_hint("nothing was committed; make the backup when nobody changes that"))
}

/// Under which host and root the part of a backup is that is of no node: documents of the system.
pub(super) fn place(cluster: &Cluster) -> (String, String) {
    (
        ClusterRecord::host_of(&cluster.name),
        cluster.driver.name().to_owned(),
    )
}

/// What is wrong with the parts of a backup that its database's engine keeps.
pub(crate) async fn check(context: &Context, record: &Record) -> Result<Vec<Problem>, Failure> {
    match engine(context, record)? {
        Some((cluster, parts)) => {
            let checked = cluster.driver.check(parts).await;
            checked.map_err(|failure| {
                failure.context(format!("cannot see what cluster `{}` keeps of it", cluster.name))
            })
        }
        None => Ok(Vec::new()),
    }
}

/// A cluster whose engine keeps parts of a backup, with those.
pub(crate) type Kept<'a> = (Arc<Cluster>, &'a [ExternalRecord]);

/// The cluster whose engine keeps parts of a backup. `None` where there are none.
pub(crate) fn engine<'a>(context: &Context, record: &'a Record) -> Result<Option<Kept<'a>>, Failure> {
    let Some(of) = record.cluster.as_ref().filter(|of| !of.external.is_empty()) else {
        return Ok(None);
    };
    Ok(Some((named(context, &of.name)?, &of.external)))
}

/// The cluster of this name.
pub(crate) fn named(context: &Context, name: &str) -> Result<Arc<Cluster>, Failure> {
    match &context.cluster {
        Some(cluster) if cluster.name == name => Ok(Arc::clone(cluster)),
        _ => context.clusters.open(name),
    }
}

/// Whether a part is of no node.
pub(crate) fn is_system(part: &NodeRecord) -> bool {
    // No node has a `:` in its name.
    part.host.contains(':')
}

async fn write(
    context: &Context,
    cluster: &Cluster,
    documents: BTreeMap<String, String>,
    compare: bool,
) -> Result<Sent, Failure> {
    let (vault, now) = (&context.vault, context.now());
    let metadata = move |mode| Metadata {
        mode,
        modified: FileTime {
            seconds: now.as_second(),
            nanoseconds: 0,
        },
        ..Metadata::default()
    };
    let (host, root) = place(cluster);
    let session = vault.upload(vault.index(compare).await?);
    let directory = root.clone();
    let (mut sink, list) = (session.sink(), ListWriter::new(session.sink()));
    // Compressing and encrypting block.
    let stored = tokio::task::spawn_blocking(move || -> Result<_, VaultError> {
        let (mut list, mut counts) = (list, BackupCounts::default());
        list.push(&Entry {
            path: directory.as_bytes().to_vec(),
            kind: EntryKind::Directory,
            metadata: metadata(0o700),
        })?;
        counts.entries += 1;
        for (name, text) in documents {
            let mut content = Vec::new();
            for piece in text.as_bytes().chunks(PIECE) {
                let id = sink.put(ChunkKind::Data, piece)?.id;
                let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
                content.push(Extent::Chunk { id, length });
            }
            list.push(&Entry {
                path: format!("{directory}/{name}").into_bytes(),
                kind: EntryKind::File {
                    size: text.len() as u64,
                    content,
                    sparse: false,
                    racy: false,
                },
                metadata: metadata(0o600),
            })?;
            counts.files += 1;
            counts.entries += 1;
            counts.changed_files += 1;
            counts.bytes += text.len() as u64;
        }
        sink.finish()?;
        Ok((list.finish()?, counts))
    })
    .await;
    let (list, counts) = match stored {
        Ok(stored) => stored?,
        Err(_) => return Err(Failure::new(ErrorKind::Internal, "a worker stopped by a defect")),
    };
    let totals = session.finish().await?;
    Ok(Sent {
        source: Source {
            host,
            paths: vec![format!("/{root}").into()],
        },
        list: data_encoding::HEXLOWER.encode(&list.0),
        counts: BackupCounts {
            new_bytes: totals.new_bytes,
            stored_bytes: totals.stored_bytes,
            ..counts
        },
        problems: Vec::new(),
        held: None,
        flagged: 0,
    })
}
