//! The packs and backups of a vault, looked at one by one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_store::Object;
use ostler_vocabulary::{Classified, ErrorKind, Progress};
use tokio_util::sync::CancellationToken;

use super::presence::{MISSING, wrong};
use super::{VaultCheck, damage, digest, shown, stop_if};
use crate::index::{Copied, Inventory, pack_key};
use crate::list::ListReader;
use crate::pack::PackTable;
use crate::parallel::{in_parallel, processors};
use crate::reach::{Reach, data_chunks};
use crate::{ChunkId, Error, OpenBlock, PackId, Reader, Record, Vault};

/// Which packs are read whole.
pub(super) enum Reads {
    All,
    Only(HashSet<PackId>),
}

impl Reads {
    fn has(&self, pack: &PackId) -> bool {
        match self {
            Self::All => true,
            Self::Only(packs) => packs.contains(pack),
        }
    }
}

pub(super) struct Inspection {
    pub(super) vault: Arc<Vault>,
    pub(super) reader: Arc<Reader>,
    /// Packs in the store.
    pub(super) sizes: BTreeMap<PackId, u64>,
    /// What the index says of packs.
    pub(super) digests: HashMap<PackId, blake3::Hash>,
    /// Places of chunks that are not what they should be: all of a pack, or one chunk.
    pub(super) bad: Mutex<HashMap<(PackId, Option<ChunkId>), String>>,
    /// Packs in the store that no index segment names.
    pub(super) orphans: HashSet<PackId>,
    /// Packs that are known to be damaged.
    pub(super) quarantined: HashSet<PackId>,
    /// Those of `orphans` that a backup needs.
    pub(super) needed_orphans: Mutex<HashSet<PackId>>,
    pub(super) progress: Progress,
    pub(super) cancel: CancellationToken,
}

impl Inspection {
    pub(super) fn packs(&self, reads: &Reads, check: &mut VaultCheck) -> Result<(), Error> {
        let index = self.reader.index();
        let known = index
            .all_packs()
            .map(|pack| pack.map(|pack| (pack.id, pack.size)));
        let known: Vec<(PackId, u64)> = known.collect::<Result<_, _>>()?;
        self.progress.add_total(known.iter().map(|(_, size)| size).sum());
        in_parallel(self.vault.host().threads(processors()), &known, &|(
            pack,
            size,
        )| {
            stop_if(&self.cancel)?;
            if let Some(reason) = wrong(Some(*size), self.size(pack)?) {
                self.spoil(*pack, None, reason);
            } else {
                let looked = if reads.has(pack) {
                    self.read(pack)
                } else {
                    self.look(pack, *size)
                };
                if let Err(error) = looked {
                    self.spoil(*pack, None, damage(error)?);
                }
            }
            self.progress.add_done(*size);
            self.progress.add_item();
            Ok(())
        })?;
        for ((pack, chunk), reason) in &*self.bad.lock().unwrap_or_else(PoisonError::into_inner) {
            if self.sizes.contains_key(pack) && !check.wrong_packs.contains(pack) {
                check.wrong_packs.push(*pack);
            }
            // What is lost with it is said of the backups that need it.
            if self.quarantined.contains(pack) {
                continue;
            }
            let reason = match chunk {
                Some(chunk) => format!("chunk {chunk}: {reason}"),
                None => reason.clone(),
            };
            check.problem(&pack_key(pack)?, reason);
        }
        Ok(())
    }

    /// The size of a pack, which is looked up where the listing lacks it.
    fn size(&self, pack: &PackId) -> Result<Option<u64>, Error> {
        if let Some(size) = self.sizes.get(pack) {
            return Ok(Some(*size));
        }
        let found = self.vault.host().block_on(self.vault.look_for_pack(pack))?;
        Ok(found.map(|object| object.size))
    }

    /// Compares a pack's own table with the index.
    fn look(&self, pack: &PackId, size: u64) -> Result<(), Error> {
        let object = Object {
            key: pack_key(pack)?,
            size,
            modified: None,
        };
        let read = self.vault.read_table(*pack, &object);
        match self.vault.host().block_on(read) {
            Ok(table) => self.compare(&table),
            Err(Error::Store { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Err(self.vault.host().block_on(self.vault.not_found(pack, *source)))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads all of a pack.
    fn read(&self, pack: &PackId) -> Result<(), Error> {
        let bytes = self.reader.check_pack(pack)?;
        let table = PackTable::read_whole(&self.vault, *pack, &bytes)?;
        self.compare(&table)?;
        let mut block = OpenBlock::default();
        for (id, location) in table.places() {
            let stored = usize::try_from(location.offset)
                .ok()
                .and_then(|start| bytes.get(start..start.checked_add(location.stored as usize)?))
                .unwrap_or_default();
            if let Err(error) = self.reader.decode(&id, &location, stored, &mut block) {
                self.spoil(*pack, Some(id), damage(error)?);
            }
        }
        Ok(())
    }

    fn compare(&self, table: &PackTable) -> Result<(), Error> {
        if self.digests.get(&table.id) == Some(&digest(table)) {
            Ok(())
        } else {
            Err(Error::damaged(
                pack_key(&table.id)?,
                "the index says otherwise of what is in it",
            ))
        }
    }

    fn spoil(&self, pack: PackId, chunk: Option<ChunkId>, reason: String) {
        let mut bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.insert((pack, chunk), reason);
    }

    /// Why a chunk cannot be had; `None` when a good copy is there.
    fn lost(&self, id: &ChunkId) -> Result<Option<String>, Error> {
        let copies = self.reader.index().copies(id)?;
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = None;
        // Those that the index names come first, so that an orphan is needed only where there is no other.
        let (orphaned, named): (Vec<_>, Vec<_>) = copies
            .into_iter()
            .partition(|copy| self.orphans.contains(&copy.pack));
        for location in named.iter().chain(&orphaned) {
            let pack = location.pack;
            let reason = bad.get(&(pack, None)).or_else(|| bad.get(&(pack, Some(*id))));
            match reason {
                None => {
                    if self.orphans.contains(&pack) {
                        let mut needed = self.needed_orphans.lock().unwrap_or_else(PoisonError::into_inner);
                        needed.insert(pack);
                    }
                    return Ok(None);
                }
                Some(reason) => {
                    first.get_or_insert_with(|| format!("pack {pack}: {reason}"));
                }
            }
        }
        let unknown = || Error::ChunkUnknown(*id).to_string();
        Ok(Some(first.unwrap_or_else(unknown)))
    }

    fn first_lost(&self, chunks: impl IntoIterator<Item = ChunkId>) -> Result<Option<String>, Error> {
        let mut lost = chunks.into_iter().map(|id| self.lost(&id));
        lost.find_map(Result::transpose).transpose()
    }

    pub(super) fn backups(&self, records: &[Record], check: &mut VaultCheck) -> Result<(), Error> {
        if self.nothing_is_lost(records)? {
            check.whole = records.iter().map(|record| record.backup).collect();
            return Ok(());
        }
        // Backups share blocks: each is judged once.
        let mut judged: HashMap<ChunkId, Option<String>> = HashMap::new();
        for record in records {
            stop_if(&self.cancel)?;
            match self.backup(record, &mut judged)? {
                Some(reason) => check.damaged.push((record.backup, reason)),
                None => check.whole.push(record.backup),
            }
        }
        Ok(())
    }

    /// Whether all that backups need is in packs, of which none is wrong: then nobody has to be asked for each chunk.
    fn nothing_is_lost(&self, records: &[Record]) -> Result<bool, Error> {
        if !self.bad.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return Ok(false);
        }
        let reach = Reach::new(self.vault.scratch());
        let threads = self.vault.host().threads(processors());
        let read = in_parallel(threads, records, &|record| {
            stop_if(&self.cancel)?;
            reach.add(&self.reader, record)
        });
        if let Err(error) = read {
            return damage(error).map(|_| false);
        }
        let inventory = match Inventory::take(Arc::clone(self.reader.index()), &reach.into_chunks()) {
            Ok(inventory) => inventory,
            Err(error) => return damage(error).map(|_| false),
        };
        if !self.orphans.is_empty() {
            let mut needed = self.needed_orphans.lock().unwrap_or_else(PoisonError::into_inner);
            let packs = inventory.packs();
            let pack_of = |copied: &Copied| packs.get(copied.pack as usize).map(|holding| holding.pack.id);
            inventory.each_needed(&mut |copies| {
                let packs: Vec<PackId> = copies.iter().filter_map(pack_of).collect();
                if packs.iter().all(|pack| self.orphans.contains(pack)) {
                    needed.extend(packs.first());
                }
            })?;
        }
        Ok(true)
    }

    /// A pack that is gone is no damage where every backup has what it needs: index segments that a stopped writer stores
    /// after its backup was given up name packs that were collected meanwhile.
    pub(super) fn stale_entries(&self, check: &mut VaultCheck) -> Result<(), Error> {
        if !check.damaged.is_empty() {
            return Ok(());
        }
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        for ((pack, _), reason) in &*bad {
            if reason == MISSING {
                let key = pack_key(pack)?.to_string();
                check.problems.retain(|problem| problem.key != key);
                check.stale_entries += 1;
            }
        }
        Ok(())
    }

    /// Orphans are harmless leftovers, but for those that a backup needs: their index segment was lost.
    pub(super) fn orphans(&self, check: &mut VaultCheck) -> Result<(), Error> {
        let needed = self.needed_orphans.lock().unwrap_or_else(PoisonError::into_inner);
        check.orphans = (self.orphans.len() - needed.len()) as u64;
        for pack in &*needed {
            let reason = "a backup needs it, and no index segment names it; the next prune writes one";
            check.problem(&pack_key(pack)?, reason.to_owned());
        }
        Ok(())
    }

    /// The first reason why a backup cannot be restored whole.
    fn backup(
        &self,
        record: &Record,
        judged: &mut HashMap<ChunkId, Option<String>>,
    ) -> Result<Option<String>, Error> {
        for node in &record.nodes {
            let list = match ListReader::of(&self.reader, node) {
                Ok(list) => list,
                Err(error) => return damage(error).map(Some),
            };
            for block in 0..list.block_count() {
                stop_if(&self.cancel)?;
                let Some(id) = list.block_chunks(block).next() else {
                    continue;
                };
                let verdict = match judged.get(&id) {
                    Some(verdict) => verdict.clone(),
                    None => {
                        let verdict = self.block(&list, block)?;
                        judged.insert(id, verdict.clone());
                        verdict
                    }
                };
                if verdict.is_some() {
                    return Ok(verdict);
                }
            }
        }
        Ok(None)
    }

    fn block(&self, list: &ListReader, block: usize) -> Result<Option<String>, Error> {
        if let Some(reason) = self.first_lost(list.block_chunks(block))? {
            return Ok(Some(format!("its file list: {reason}")));
        }
        for entry in list.block_entries(block) {
            match entry {
                Ok(entry) => {
                    if let Some(reason) = self.first_lost(data_chunks(&entry.kind))? {
                        return Ok(Some(format!("{}: {reason}", shown(&entry.path))));
                    }
                }
                Err(error) => return damage(error).map(Some),
            }
        }
        Ok(None)
    }
}
