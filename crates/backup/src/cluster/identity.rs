//! One writing cluster: whose backups those in the vault are.
//!
//! Nodes remember in which backups they took part, and the records in the vault say which nodes did. A node that does not
//! know a backup with a part of it is another: restored from an older image, replaced, or of a copy of the cluster that has
//! its name and its configuration. It stores nothing until somebody says that it is meant ([`adopt`]).

use std::collections::BTreeMap;

use ostler_api::document::{AdoptedNode, BackupState, ClusterAdoption};
use ostler_api::node::Recalled;
use ostler_vault::{ClusterRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};

use super::{Cluster, Member};
use crate::Context;
use crate::state::Backup;

/// How many of the newest backups nodes are asked about. More than one, because they are ordered by clocks of several
/// coordinators.
const ASKED: usize = 24;

/// The newest committed backups of a cluster, as listed.
pub(crate) fn newest(backups: &[Backup], cluster: &str) -> Vec<BackupId> {
    let host = ClusterRecord::host_of(cluster);
    let is_of = |backup: &&Backup| {
        let of = backup.summary.source.as_ref();
        of.is_some_and(|source| source.host == host)
            && !matches!(backup.state(), BackupState::Running | BackupState::Incomplete)
    };
    backups.iter().filter(is_of).take(ASKED).map(Backup::id).collect()
}

/// What a node makes of the backups that the vault has.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It knows those that it has a part in.
    Known,
    /// It is too old to be asked.
    Unasked,
    /// It has a part in this one and does not know it.
    Stranger(BackupId),
    /// It knows them, and what it remembers was written on another machine.
    Moved,
}

/// What follows from an answer. Pure.
fn judge(node: &str, answer: &Recalled, records: &BTreeMap<BackupId, Record>) -> Standing {
    let has_part = |id: &&BackupId| {
        let record = records.get(id);
        record.is_some_and(|record| record.nodes.iter().any(|part| part.host == node))
    };
    match answer.unknown.iter().find(has_part) {
        Some(id) => Standing::Stranger(*id),
        None if answer.moved => Standing::Moved,
        None => Standing::Known,
    }
}

impl Member {
    /// Refuses a node that does not know what the vault has of it.
    pub(crate) async fn recognise(
        &self,
        cluster: &str,
        backups: &[BackupId],
        context: &Context,
    ) -> Result<(), Failure> {
        let told = match self.standing(backups, context).await? {
            Standing::Known => return Ok(()),
            Standing::Unasked => {
                tracing::warn!(
                    node = self.name,
                    "its agent is too old to be asked whose backups it knows"
                );
                return Ok(());
            }
            Standing::Stranger(id) => format!(
                "node `{}` knows nothing of backup {}, in which vault `{}` has a part of it: it was restored from an older image, \
                 or replaced, or another cluster `{cluster}` writes into this vault",
                self.name,
                id.short(),
                context.vault_name
            ),
            Standing::Moved => format!(
                "node `{}` is a copy: what it remembers of the backups of cluster `{cluster}` was written on another machine",
                self.name
            ),
        };
        Err(Failure::new(ErrorKind::Refused, told).with_hint(format!(
            "`ostler cluster adopt {cluster} {}` lets it go on with them; a copy of the cluster needs another name or another vault",
            self.name
        )))
    }

    async fn standing(&self, backups: &[BackupId], context: &Context) -> Result<Standing, Failure> {
        if backups.is_empty() {
            // There is nothing that could be another's.
            return Ok(Standing::Known);
        }
        let mut answer = match self.node.recall(backups).await {
            Ok(answer) => answer,
            Err(failure) if failure.kind() == ErrorKind::Unsupported => return Ok(Standing::Unasked),
            Err(failure) => return Err(failure),
        };
        let records = records(&answer.unknown, context).await?;
        // A copy that came from another vault may have another id than what it is a copy of.
        let origins = records.iter().filter_map(|(id, record)| {
            let origin = record.origin.as_ref().map(|origin| origin.backup);
            origin.filter(|origin| origin != id).map(|origin| (origin, *id))
        });
        let origins: BTreeMap<BackupId, BackupId> = origins.collect();
        if !origins.is_empty() {
            let asked: Vec<BackupId> = origins.keys().copied().collect();
            let unknown = self.node.recall(&asked).await?.unknown;
            let known = |id: &BackupId| {
                let mut copies = origins.iter();
                copies.any(|(origin, copy)| copy == id && !unknown.contains(origin))
            };
            answer.unknown.retain(|id| !known(id));
        }
        Ok(judge(&self.name, &answer, &records))
    }
}

/// The records of these backups. One that was deleted meanwhile, or is not what was written, says nothing of who made it.
async fn records(ids: &[BackupId], context: &Context) -> Result<BTreeMap<BackupId, Record>, Failure> {
    let mut records = BTreeMap::new();
    for id in ids {
        match context.record(*id).await {
            Ok(record) => {
                records.insert(*id, record);
            }
            Err(failure) if matches!(failure.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => {
                tracing::warn!(backup = %id, %failure, "nobody knows which nodes made it");
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(records)
}

/// Lets nodes go on with the backups that the vault has of the cluster, as if they had made them; all nodes where none is
/// named.
///
/// # Errors
/// `NotFound` for a node that the cluster does not have; when the vault cannot be listed or a node does not answer: the ones
/// before it have adopted them, and it can be asked for again.
pub async fn adopt(
    context: &Context,
    cluster: &Cluster,
    nodes: &[String],
) -> Result<ClusterAdoption, Failure> {
    for node in nodes {
        cluster.member(node)?;
    }
    let backups = newest(&context.backups().await?, &cluster.name);
    let mut adopted = Vec::new();
    for member in &cluster.members {
        if !nodes.is_empty() && !nodes.contains(&member.name) {
            continue;
        }
        member.roots().await?;
        let before = member.node.recall(&backups).await?;
        member.node.adopt(&backups).await?;
        adopted.push(AdoptedNode {
            name: member.name.clone(),
            backups: before.unknown,
            moved: before.moved,
        });
    }
    Ok(ClusterAdoption {
        name: cluster.name.clone(),
        vault: context.vault_name.clone(),
        nodes: adopted,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ostler_api::node::Recalled;
    use ostler_vault::{Counts, NodeRecord, Record};
    use ostler_vocabulary::{BackupId, OperationId, Timestamp};

    use super::{Standing, judge};

    fn id(byte: u8) -> BackupId {
        BackupId::from_bytes([byte; 16])
    }

    fn made_by(nodes: &[&str]) -> Record {
        let part = |node: &&str| NodeRecord {
            host: (*node).to_owned(),
            driver: "files".into(),
            paths: vec!["/data".into()],
            list: String::new(),
            root: Some("data".into()),
        };
        Record {
            version: Record::VERSION,
            backup: id(0),
            operation: OperationId::from_bytes([0; 16]),
            name: None,
            tags: BTreeMap::new(),
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
            made_by: String::new(),
            parent: None,
            nodes: nodes.iter().map(part).collect(),
            partial: false,
            counts: Counts::default(),
            problems: Vec::new(),
            objects_found: 0,
            evidence: None,
            origin: None,
            cluster: None,
        }
    }

    #[test]
    fn a_node_has_to_know_the_backups_that_it_has_a_part_in() {
        let records = BTreeMap::from([(id(1), made_by(&["a", "b"])), (id(2), made_by(&["a"]))]);
        for (node, unknown, moved, expected) in [
            ("a", vec![], false, Standing::Known),
            ("a", vec![id(2)], false, Standing::Stranger(id(2))),
            // It was down when the second was made.
            ("b", vec![id(2)], false, Standing::Known),
            ("b", vec![id(2), id(1)], true, Standing::Stranger(id(1))),
            // It was added since.
            ("c", vec![id(1), id(2)], false, Standing::Known),
            ("a", vec![], true, Standing::Moved),
            // Deleted, or not readable.
            ("a", vec![id(3)], false, Standing::Known),
        ] {
            let answer = Recalled { unknown, moved };
            assert_eq!(judge(node, &answer, &records), expected, "{node}: {answer:?}");
        }
    }
}
