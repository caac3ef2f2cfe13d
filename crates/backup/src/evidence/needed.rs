//! What a backup needs, by its file lists, and which of its files need what is bad.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ostler_api::document::Problem;
use ostler_vault::list::{Entry, EntryKind, Extent, ListReader};
use ostler_vault::{ChunkId, Error as VaultError, NodeRecord, PackId, PackSet, Reader};
use ostler_vocabulary::{Classified, ErrorKind, Failure};

use super::{finding, list_address};
use crate::Context;
use crate::cluster::system::is_system;
use crate::demand::{Demands, FileList};
use crate::problems::{MOST, path_text};

/// What is looked at of a backup.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    lists: Vec<Part>,
}

/// A file list that is looked at.
#[derive(Debug, Clone)]
struct Part {
    list: String,
    /// The paths that are meant; none means all.
    paths: Vec<Vec<u8>>,
    /// What names of files begin with, in a backup of a cluster.
    name: Option<String>,
    /// The node and the root, with its path, where the part is one of a node of a cluster.
    root: Option<(String, String, Vec<u8>)>,
}

impl Part {
    /// How a file of it, or its list, is called in findings.
    fn named(&self, path: String) -> String {
        match &self.name {
            Some(name) => format!("{name}:{path}"),
            None => path,
        }
    }
}

impl Scope {
    /// These paths of the backup's nodes, as they were backed up or relative to the only source; of a cluster they begin
    /// with node and root. None means all.
    pub(super) fn new(nodes: &[NodeRecord], include: &[PathBuf]) -> Result<Self, Failure> {
        let mut lists = Vec::new();
        for node in nodes {
            let name = node.root.as_ref().map(|_| node.part());
            let mut paths = Vec::new();
            for path in include {
                match &name {
                    None => paths.push(listed(node, path)?),
                    Some(name) => {
                        if let Ok(rest) = path.strip_prefix("/").unwrap_or(path).strip_prefix(name) {
                            paths.push(listed(node, rest)?);
                        }
                    }
                }
            }
            // Of this part nothing is meant.
            if !include.is_empty() && paths.is_empty() {
                continue;
            }
            let root = node.root.clone().filter(|_| !is_system(node));
            lists.push(Part {
                list: node.list.clone(),
                paths,
                name,
                root: match (root, node.paths.first()) {
                    (Some(root), Some(path)) => Some((node.host.clone(), root, listed(node, path)?)),
                    _ => None,
                },
            });
        }
        Ok(Self { lists })
    }
}

/// A path as file lists have it.
fn listed(node: &NodeRecord, path: &Path) -> Result<Vec<u8>, Failure> {
    use std::os::unix::ffi::OsStrExt;
    let refuse = |reason: &str| Failure::new(ErrorKind::Invalid, format!("`{}`: {reason}", path.display()));
    let whole = match node.paths.as_slice() {
        _ if path.is_absolute() => path.to_owned(),
        [root] => root.join(path),
        _ => return Err(refuse("the backup has several sources, so it has to be absolute")),
    };
    let mut listed = Vec::new();
    for component in whole.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => {
                if !listed.is_empty() {
                    listed.push(b'/');
                }
                listed.extend_from_slice(name.as_bytes());
            }
            Component::ParentDir | Component::Prefix(_) => return Err(refuse("it has `..`")),
        }
    }
    Ok(listed)
}

/// A list as it is counted, with the demanded directories by their paths in it.
struct Counts {
    list: FileList,
    tables: HashMap<Vec<u8>, String>,
}

impl Counts {
    fn of(part: &Part, demands: &Demands) -> Option<Self> {
        let (node, root, path) = part.root.as_ref()?;
        let at = |table: &String| {
            let path = [path.as_slice(), table.as_bytes()].join(&b'/');
            (path, table.clone())
        };
        Some(Self {
            list: FileList {
                node: node.clone(),
                root: root.clone(),
                ..FileList::default()
            },
            tables: demands.tables(node).map(at).collect(),
        })
    }

    fn add(&mut self, entry: &Entry) {
        match &entry.kind {
            EntryKind::File { size, .. } => {
                self.list.files += 1;
                self.list.bytes += size;
                let end = entry.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                let directory = entry.path.get(..end).unwrap_or_default();
                if let Some(table) = self.tables.get(directory) {
                    *self.list.tables.entry(table.clone()).or_default() += 1;
                }
            }
            EntryKind::Directory => {
                if let Some(table) = self.tables.get(&entry.path) {
                    self.list.tables.entry(table.clone()).or_default();
                }
            }
            _ => {}
        }
    }
}

type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, VaultError>> + Send + 'a>;

fn entries<'a>(list: &'a ListReader, paths: &'a [Vec<u8>]) -> Entries<'a> {
    match paths {
        [] => list.entries(),
        paths => Box::new(paths.iter().flat_map(|path| list.below(path))),
    }
}

/// What the lists of a backup say it needs.
pub(super) struct Needed {
    pub(super) packs: PackSet,
    /// Chunks that are missing or wrong, and why.
    pub(super) bad: HashMap<ChunkId, String>,
    /// Packs that are missing or cannot be read, and why.
    pub(super) bad_packs: HashMap<PackId, String>,
    /// Packs that are there and hold something else than what was stored.
    pub(super) wrong: BTreeSet<PackId>,
    pub(super) problems: Vec<Problem>,
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// The lists of nodes of a cluster, where something is demanded of them.
    pub(super) lists: Vec<FileList>,
}

impl Needed {
    fn add(&mut self, reader: &Reader, id: ChunkId) -> Result<(), Failure> {
        if !reader.index().add_pack_of(&id, &self.packs)? {
            self.bad
                .entry(id)
                .or_insert_with(|| "a chunk is in no index segment".to_owned());
        }
        Ok(())
    }

    /// Why a chunk cannot be had.
    fn reason(&self, reader: &Reader, id: &ChunkId) -> Result<Option<String>, Failure> {
        if let Some(reason) = self.bad.get(id) {
            return Ok(Some(reason.clone()));
        }
        let location = match self.bad_packs.is_empty() {
            true => None,
            false => reader.index().get(id)?,
        };
        let Some(reason) = location.and_then(|location| self.bad_packs.get(&location.pack)) else {
            return Ok(None);
        };
        // A part of the pack may be as it was, or the chunk be in another one too.
        match reader.chunk(id) {
            Ok(_) => Ok(None),
            Err(error) => match error.kind() {
                ErrorKind::Corrupt | ErrorKind::NotFound => Ok(Some(reason.clone())),
                _ => Err(error.into()),
            },
        }
    }

    /// Whether it is known that some of it cannot be had.
    pub(super) fn is_bad(&self) -> bool {
        !(self.bad.is_empty() && self.bad_packs.is_empty())
    }
}

/// Goes through the lists of a backup for what it needs.
pub(super) fn gather(
    context: &Context,
    reader: &Arc<Reader>,
    scope: &Scope,
    demands: Option<&Demands>,
) -> Result<Needed, Failure> {
    let mut needed = Needed {
        packs: reader.index().no_packs(),
        bad: HashMap::new(),
        bad_packs: HashMap::new(),
        wrong: BTreeSet::new(),
        problems: Vec::new(),
        files: 0,
        bytes: 0,
        lists: Vec::new(),
    };
    for part in &scope.lists {
        let paths = &part.paths;
        let opened = match ListReader::open(Arc::clone(reader), list_address(&part.list)?) {
            Ok(opened) => opened,
            Err(error) => {
                needed.wrong.extend(error.wrong_pack());
                needed
                    .problems
                    .push(finding(&part.named("file list".to_owned()), error, context)?);
                continue;
            }
        };
        for id in opened.own_chunks() {
            needed.add(reader, id)?;
        }
        let mut counts = demands.and_then(|demands| Counts::of(part, demands));
        for entry in entries(&opened, paths) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    needed.wrong.extend(error.wrong_pack());
                    needed
                        .problems
                        .push(finding(&part.named("file list".to_owned()), error, context)?);
                    continue;
                }
            };
            if let Some(counts) = &mut counts {
                counts.add(&entry);
            }
            if let EntryKind::File { size, content, .. } = entry.kind {
                needed.files += 1;
                needed.bytes += size;
                for extent in content {
                    if let Extent::Chunk { id, .. } = extent {
                        needed.add(reader, id)?;
                    }
                }
            }
        }
        needed.lists.extend(counts.map(|counts| counts.list));
    }
    let named = scope.lists.is_empty() || scope.lists.iter().any(|part| !part.paths.is_empty());
    if named && needed.files == 0 && needed.problems.is_empty() {
        return Err(Failure::new(
            ErrorKind::NotFound,
            "the backup has no file at these paths",
        ));
    }
    Ok(needed)
}

/// Adds the files that need what is bad.
pub(super) fn name_files(reader: &Arc<Reader>, scope: &Scope, needed: &mut Needed) -> Result<(), Failure> {
    let first = |needed: &Needed, chunks: &mut dyn Iterator<Item = ChunkId>| {
        for id in chunks {
            if let Some(reason) = needed.reason(reader, &id)? {
                return Ok::<_, Failure>(Some(reason));
            }
        }
        Ok(None)
    };
    for part in &scope.lists {
        let paths = &part.paths;
        let Ok(opened) = ListReader::open(Arc::clone(reader), list_address(&part.list)?) else {
            continue;
        };
        if let Some(reason) = first(needed, &mut opened.own_chunks().into_iter())? {
            needed.problems.push(Problem {
                path: part.named("file list".to_owned()),
                reason,
            });
        }
        for entry in entries(&opened, paths) {
            let Ok(entry) = entry else { continue };
            let EntryKind::File { content, .. } = &entry.kind else {
                continue;
            };
            let mut chunks = content.iter().filter_map(|extent| match extent {
                Extent::Chunk { id, .. } => Some(*id),
                Extent::Zeros { .. } => None,
            });
            if let Some(reason) = first(needed, &mut chunks)? {
                needed.problems.push(Problem {
                    path: part.named(path_text(&entry.path)),
                    reason,
                });
                if needed.problems.len() >= MOST {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
