//! What there is and what is needed, before anything is changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ostler_store::Object;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::decide::{Content, Decision, decide};
use super::stop_if;
use super::tidy::is_live;
use crate::catalogue::{BACKUPS, INTENTS, backup_of};
use crate::index::{pack_of, parse_segment};
use crate::pack::{Contents, PackTable};
use crate::reach::Reach;
use crate::{ChunkId, ChunkKind, Error, Index, PackId, Vault};

/// What a vault holds, and what is to be done about it.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) index: Arc<Index>,
    /// Segments that could be read, with the packs they describe. Others are left alone.
    pub(super) segments: Vec<(Object, Vec<PackId>)>,
    /// Tables of packs that no segment describes.
    pub(super) orphans: Vec<PackTable>,
    pub(super) decision: Decision,
    /// Whether packs that no segment describes and nothing needs may be freed.
    free_orphans: bool,
    sizes: BTreeMap<PackId, u64>,
}

impl Survey {
    pub(super) async fn take(
        vault: &Arc<Vault>,
        gone: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let mut tables: Vec<PackTable> = Vec::new();
        let mut segments = Vec::new();
        for object in vault.objects("index/").await? {
            stop_if(cancel)?;
            let Some(bytes) = vault.read_if_there(&object.key).await? else {
                continue;
            };
            match parse_segment(vault, &object.key, &bytes) {
                Ok(packs) => {
                    segments.push((object, packs.iter().map(|pack| pack.id).collect()));
                    tables.extend(packs);
                }
                // What it described is found in the packs' own tables.
                Err(error) => {
                    tracing::warn!(key = %object.key, %error, "leaving a damaged index segment alone")
                }
            }
        }
        let described: HashSet<PackId> = tables.iter().map(|table| table.id).collect();
        let mut sizes = BTreeMap::new();
        let mut orphans = Vec::new();
        for object in vault.objects("packs/").await? {
            stop_if(cancel)?;
            let Some(id) = pack_of(&object.key) else {
                continue;
            };
            sizes.insert(id, object.size);
            if described.contains(&id) {
                continue;
            }
            match vault.read_table(id, &object).await {
                Ok(table) => orphans.push(table),
                Err(error) => match error.kind() {
                    // A pack that was never finished or is damaged has nothing that could be needed from it.
                    ErrorKind::Corrupt | ErrorKind::NotFound => orphans.push(PackTable {
                        id,
                        size: object.size,
                        header: [0; crate::pack::HEADER],
                        contents: Contents::default(),
                    }),
                    _ => return Err(error),
                },
            }
        }
        tables.extend(orphans.iter().filter(|table| !table.contents.is_empty()).cloned());
        let free_orphans = vault.no_backup_is_begun().await?;

        let index = {
            let build = tokio::task::spawn_blocking(move || Arc::new(Index::build(tables)));
            build.await.map_err(ended)?
        };
        let reach = needed(vault, &index, gone, cancel).await?;
        if let Some(lost) = reach.chunks().find(|chunk| index.get(chunk).is_none()) {
            return Err(Error::Damaged {
                object: format!("chunk {lost}"),
                reason: "a backup needs it and no pack is known to hold it".to_owned(),
            });
        }
        let empty = orphans.iter().filter(|table| table.contents.is_empty());
        let mut contents: HashMap<PackId, Content> = index
            .all_packs()
            .iter()
            .map(|pack| (pack.id, pack.size))
            .chain(empty.map(|table| (table.id, table.size)))
            .map(|(pack, size)| {
                let present = sizes.get(&pack) == Some(&size);
                let chunks = Vec::new();
                let content = Content {
                    pack,
                    size,
                    present,
                    lists: false,
                    chunks,
                };
                (pack, content)
            })
            .collect();
        for (chunk, location) in index.entries() {
            if let Some(content) = contents.get_mut(&location.pack) {
                content.lists |= location.kind == ChunkKind::List;
                content.chunks.push((chunk, location.share()));
            }
        }
        let contents: Vec<Content> = contents.into_values().collect();
        let decision = decide(&contents, &|chunk| reach.needs(chunk));
        Ok(Self {
            index,
            segments,
            orphans,
            decision,
            free_orphans,
            sizes,
        })
    }

    /// Bytes of a pack in the store; 0 when it is not there.
    pub(super) fn size_of(&self, pack: &PackId) -> u64 {
        self.sizes.get(pack).copied().unwrap_or(0)
    }

    /// The share that these chunks have of a pack's bytes.
    pub(super) fn stored_in(&self, pack: &PackId, chunks: &[ChunkId]) -> u64 {
        let stored = |chunk| {
            let mut copies = self.index.copies(chunk);
            copies
                .find(|location| location.pack == *pack)
                .map_or(0, |location| location.share())
        };
        chunks.iter().map(stored).sum()
    }

    /// Segments that go with nothing in their place: packs that are written anew are described anew.
    pub(super) fn superseded(&self) -> impl Iterator<Item = Object> + '_ {
        let going: HashSet<PackId> = self.decision.dead.iter().copied().collect();
        let all_go =
            move |packs: &[PackId]| !packs.is_empty() && packs.iter().all(|pack| going.contains(pack));
        self.segments
            .iter()
            .filter(move |(_, packs)| all_go(packs))
            .map(|(object, _)| object.clone())
    }

    /// The dead packs that may be deleted.
    pub(super) fn removable(&self) -> Vec<PackId> {
        let orphans: HashSet<PackId> = self.orphans.iter().map(|table| table.id).collect();
        let dead = self.decision.dead.iter().copied();
        dead.filter(|pack| self.free_orphans || !orphans.contains(pack))
            .collect()
    }
}

/// What all backups but `gone` need.
async fn needed(
    vault: &Arc<Vault>,
    index: &Arc<Index>,
    gone: &[BackupId],
    cancel: &CancellationToken,
) -> Result<Reach, Error> {
    let mut records = Vec::new();
    for object in vault.objects(BACKUPS).await? {
        stop_if(cancel)?;
        let unaccounted = |backup: &str, source: Error| Error::Unaccounted {
            backup: backup.to_owned(),
            source: Box::new(source),
        };
        let Some(id) = backup_of(BACKUPS, &object.key) else {
            let error = Error::damaged(&object.key, "its name is not that of a commit record");
            return Err(unaccounted(object.key.as_str(), error));
        };
        if gone.contains(&id) {
            continue;
        }
        match vault.record(id).await {
            Ok(record) => records.push(record),
            // Deleted since the listing.
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(unaccounted(&id.to_string(), error)),
        }
    }
    let reader = Arc::new(vault.reader(Arc::clone(index)));
    let cancel = cancel.clone();
    let walk = tokio::task::spawn_blocking(move || {
        let mut reach = Reach::default();
        for record in &records {
            stop_if(&cancel)?;
            reach.add(&reader, record).map_err(|source| Error::Unaccounted {
                backup: record.backup.to_string(),
                source: Box::new(source),
            })?;
        }
        Ok(reach)
    });
    walk.await.map_err(ended)?
}

impl Vault {
    /// Whether no backup is under way or waits for being resumed.
    async fn no_backup_is_begun(&self) -> Result<bool, Error> {
        for object in self.objects(INTENTS).await? {
            let Some(id) = backup_of(INTENTS, &object.key) else {
                continue;
            };
            if is_live(self, id).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

pub(super) fn ended(error: tokio::task::JoinError) -> Error {
    Error::Internal(format!("work in another thread ended early: {error}"))
}
