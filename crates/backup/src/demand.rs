//! What every backup of a cluster must contain, and what its file lists lack of that. Pure.
//!
//! A driver takes its demands from the system. The snapshot is counted where it was made, and each agent counts what it stores.
//! A backup is complete when its file lists, read back, have all of that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ostler_api::document::{BackupCounts, Problem};
use ostler_vocabulary::{ErrorKind, Failure, MemberEvidence, PartEvidence, Timestamp};
use serde::{Deserialize, Serialize};

/// What a driver demands of every backup of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// The directories that the system keeps its files in; `None` where it does not list them.
    pub directories: Option<Vec<PathBuf>>,
    /// Where they are listed.
    pub source: &'static str,
    /// Directories below the roots that are in every backup.
    pub tables: BTreeSet<String>,
    /// Those of them that hold files in every backup.
    pub filled: BTreeSet<String>,
}

/// The files of a snapshot, counted where it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// When.
    pub at: Timestamp,
    /// Files that belong into the backup.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that the user excluded.
    #[serde(default)]
    pub excluded: u64,
}

/// A file list, as it was read back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileList {
    /// The node.
    pub node: String,
    /// The root.
    pub root: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Demanded directories that are in it, with the number of files in each.
    pub tables: BTreeMap<String, u64>,
}

/// All that a backup must contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    /// The nodes that must be in it.
    pub members: Vec<String>,
    /// The roots that each of them must have.
    pub roots: Vec<String>,
    /// What the driver demands, by node.
    pub nodes: BTreeMap<String, Demand>,
    /// Snapshots as they were counted, by part: `NODE/ROOT`.
    pub snapshots: BTreeMap<String, Counted>,
    /// What agents stored, by part.
    pub stored: BTreeMap<String, BackupCounts>,
}

impl Demands {
    /// What the lists lack: a backup is complete only when there is no reason.
    #[must_use]
    pub fn reasons(&self, lists: &[FileList]) -> Vec<Problem> {
        let mut reasons = Vec::new();
        let mut lacks = |path: String, reason: String| reasons.push(Problem { path, reason });
        let list_of = |part: &str| lists.iter().find(|list| list.part() == part);
        for node in &self.members {
            for root in &self.roots {
                let part = format!("{node}/{root}");
                if list_of(&part).is_none() {
                    lacks(part, "it is not in the backup".to_owned());
                }
            }
        }
        for (part, counted) in &self.snapshots {
            let Some(list) = list_of(part) else { continue };
            let unread = self.stored.get(part).map_or(0, |stored| stored.problems);
            let is_whole = list.files == counted.files && list.bytes == counted.bytes;
            if !is_whole && (unread == 0 || list.files + unread < counted.files) {
                lacks(
                    part.clone(),
                    format!(
                        "the backup has {} files ({} bytes), and the snapshot had {} ({} bytes)",
                        list.files, list.bytes, counted.files, counted.bytes
                    ),
                );
            }
        }
        for (part, stored) in &self.stored {
            match list_of(part) {
                Some(list) if list.files == stored.files => {}
                Some(list) => lacks(
                    part.clone(),
                    format!("its file list has {} of {} files", list.files, stored.files),
                ),
                None => lacks(part.clone(), "its file list is not in the backup".to_owned()),
            }
        }
        for (node, demand) in &self.nodes {
            let own: Vec<&FileList> = lists.iter().filter(|list| list.node == *node).collect();
            // A node that is not in the backup is named above, or is absent from a partial one.
            if own.is_empty() {
                continue;
            }
            let directories = demand.directories.as_deref().unwrap_or_default();
            if directories.len() > own.len() {
                lacks(
                    format!("node {node}"),
                    format!(
                        "it keeps data in {}, and the backup has {} of {} directories",
                        shown(directories),
                        own.len(),
                        directories.len()
                    ),
                );
            }
            if self.is_excluded(node) {
                continue;
            }
            let files = |table: &String| {
                let found = own.iter().filter_map(|list| list.tables.get(table));
                found.copied().reduce(|sum, files| sum + files)
            };
            let missing: Vec<&String> = demand
                .tables
                .iter()
                .filter(|table| files(table).is_none())
                .collect();
            let empty: Vec<&String> = demand
                .filled
                .iter()
                .filter(|table| files(table) == Some(0) || files(table).is_none() && !missing.contains(table))
                .collect();
            for (tables, what) in [(missing, "has no directory"), (empty, "has no files of")] {
                if let Some(first) = tables.first() {
                    let more = match tables.len() {
                        1 => String::new(),
                        n => format!(" and {} more tables", n - 1),
                    };
                    lacks(
                        format!("node {node}"),
                        format!("the backup {what} {first}{more}, which every node has"),
                    );
                }
            }
        }
        reasons
    }

    /// Nodes that do not list the directories that they keep data in.
    #[must_use]
    pub fn unlisted(&self) -> Vec<&str> {
        let silent = self
            .nodes
            .iter()
            .filter(|(_, demand)| demand.directories.is_none());
        silent.map(|(node, _)| node.as_str()).collect()
    }

    /// Whether the user excluded files of this node.
    fn is_excluded(&self, node: &str) -> bool {
        let prefix = format!("{node}/");
        let mut own = self
            .snapshots
            .iter()
            .filter(|(part, _)| part.starts_with(&prefix));
        own.any(|(_, counted)| counted.excluded > 0)
    }

    /// The demanded directories below a node's roots.
    pub(crate) fn tables(&self, node: &str) -> impl Iterator<Item = &String> {
        let demand = self.nodes.get(node).into_iter();
        demand.flat_map(|demand| demand.tables.union(&demand.filled))
    }

    /// What was demanded and what was found, for the commit record.
    #[must_use]
    pub fn evidence(&self, lists: &[FileList]) -> Vec<MemberEvidence> {
        let nodes: BTreeSet<&String> = lists.iter().map(|list| &list.node).collect();
        let member = |node: &String| {
            let demand = self.nodes.get(node);
            let directories = demand.and_then(|demand| demand.directories.as_deref());
            let parts = lists.iter().filter(|list| list.node == *node).map(|list| {
                let counted = self.snapshots.get(&list.part());
                PartEvidence {
                    root: list.root.clone(),
                    demanded_at: counted.map(|counted| counted.at),
                    demanded_files: counted.map(|counted| counted.files),
                    demanded_bytes: counted.map(|counted| counted.bytes),
                    excluded_files: counted.map_or(0, |counted| counted.excluded),
                    files: list.files,
                    bytes: list.bytes,
                }
            });
            MemberEvidence {
                node: node.clone(),
                directories: directories
                    .unwrap_or_default()
                    .iter()
                    .map(|directory| directory.display().to_string())
                    .collect(),
                source: demand
                    .filter(|demand| demand.directories.is_some())
                    .map(|demand| demand.source.to_owned()),
                tables: demand.map_or(0, |demand| demand.tables.union(&demand.filled).count() as u64),
                parts: parts.collect(),
            }
        };
        nodes.into_iter().map(member).collect()
    }
}

impl FileList {
    /// What the part is called.
    #[must_use]
    pub fn part(&self) -> String {
        format!("{}/{}", self.node, self.root)
    }
}

/// Refuses roots that do not cover the directories of a node. Each root has the names that its agent has for it.
///
/// # Errors
/// `Refused`, naming the directories.
pub fn covered(
    demands: &BTreeMap<String, Demand>,
    roots: &BTreeMap<String, Vec<Vec<PathBuf>>>,
) -> Result<(), Failure> {
    for (node, demand) in demands {
        let Some(own) = roots.get(node) else { continue };
        let has = |directory: &PathBuf| own.iter().flatten().any(|root| same(root, directory));
        let directories = demand.directories.as_deref().unwrap_or_default();
        let lacking: Vec<PathBuf> = directories.iter().filter(|one| !has(one)).cloned().collect();
        if lacking.is_empty() {
            continue;
        }
        let own: Vec<PathBuf> = own.iter().filter_map(|names| names.first().cloned()).collect();
        return Err(Failure::new(
            ErrorKind::Refused,
            format!(
                "node `{node}` keeps data in {} ({}), and no root is that directory: its roots are {}",
                shown(&lacking),
                demand.source,
                shown(&own)
            ),
        )
        .with_hint(
            "`[agent.roots]` in the agent's file of each node needs one root for each data directory, and the backup all of them; the \
             option `mounts` of the driver says where agents see directories of nodes; nothing was read",
        ));
    }
    Ok(())
}

/// Whether two paths are spelled alike but for slashes and dots.
fn same(one: &Path, other: &Path) -> bool {
    one.components().eq(other.components())
}

fn shown(paths: &[PathBuf]) -> String {
    let all: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    all.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests;
