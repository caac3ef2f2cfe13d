//! What a backup needs, by its file lists, and which of its files need what is bad.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ostler_api::document::Problem;
use ostler_vault::list::{EntryKind, Extent, ListReader};
use ostler_vault::{ChunkId, Index, Location, PackId, Reader};
use ostler_vocabulary::Failure;

use super::{finding, list_address};
use crate::Context;
use crate::problems::{MOST, path_text};

/// What the lists of a backup say it needs.
#[derive(Default)]
pub(super) struct Needed {
    pub(super) packs: BTreeMap<PackId, Vec<(ChunkId, Location)>>,
    /// Chunks that are missing or wrong, and why.
    pub(super) bad: HashMap<ChunkId, String>,
    pub(super) problems: Vec<Problem>,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Needed {
    fn add(&mut self, index: &Index, id: ChunkId) {
        match index.get(&id) {
            Some(location) => self.packs.entry(location.pack).or_default().push((id, location)),
            None => {
                self.bad
                    .entry(id)
                    .or_insert_with(|| "a chunk is in no index segment".to_owned());
            }
        }
    }
}

/// Goes through the lists of a backup for what it needs.
pub(super) fn gather(context: &Context, reader: &Arc<Reader>, lists: &[String]) -> Result<Needed, Failure> {
    let index = Arc::clone(reader.index());
    let mut needed = Needed::default();
    for list in lists {
        let opened = match ListReader::open(Arc::clone(reader), list_address(list)?) {
            Ok(opened) => opened,
            Err(error) => {
                needed.problems.push(finding("file list", error, context)?);
                continue;
            }
        };
        for id in opened.own_chunks() {
            needed.add(&index, id);
        }
        for entry in opened.entries() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    needed.problems.push(finding("file list", error, context)?);
                    continue;
                }
            };
            if let EntryKind::File { size, content, .. } = entry.kind {
                needed.files += 1;
                needed.bytes += size;
                for extent in content {
                    if let Extent::Chunk { id, .. } = extent {
                        needed.add(&index, id);
                    }
                }
            }
        }
    }
    for chunks in needed.packs.values_mut() {
        chunks.sort_unstable_by_key(|(id, location)| (location.offset, location.at, *id));
        chunks.dedup_by_key(|(id, _)| *id);
    }
    Ok(needed)
}

/// Adds the files that need what is bad.
pub(super) fn name_files(reader: &Arc<Reader>, lists: &[String], needed: &mut Needed) -> Result<(), Failure> {
    for list in lists {
        let Ok(opened) = ListReader::open(Arc::clone(reader), list_address(list)?) else {
            continue;
        };
        if let Some(reason) = opened.own_chunks().iter().find_map(|id| needed.bad.get(id)) {
            needed.problems.push(Problem {
                path: "file list".to_owned(),
                reason: reason.clone(),
            });
        }
        for entry in opened.entries() {
            let Ok(entry) = entry else { continue };
            let EntryKind::File { content, .. } = &entry.kind else {
                continue;
            };
            let reason = content.iter().find_map(|extent| match extent {
                Extent::Chunk { id, .. } => needed.bad.get(id),
                Extent::Zeros { .. } => None,
            });
            if let Some(reason) = reason {
                needed.problems.push(Problem {
                    path: path_text(&entry.path),
                    reason: reason.clone(),
                });
                if needed.problems.len() >= MOST {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
