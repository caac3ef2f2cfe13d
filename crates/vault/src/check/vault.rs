//! Checking a whole vault.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_store::Object;
use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use super::presence::wrong;
use super::reading::in_parallel;
use super::{VaultCheck, damage, digest, shown, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, LOST, NOTES, backup_of, record_key, record_of};
use crate::envelope::ObjectKind;
use crate::index::{pack_key, pack_of};
use crate::list::ListReader;
use crate::pack::PackTable;
use crate::probes::{PROBES, SCRATCH};
use crate::reach::data_chunks;
use crate::rounds::ROUNDS;
use crate::{ChunkId, Error, Index, OpenBlock, PackId, Reader, Record, Vault};

/// Tombstones are shorter than any commit record.
const LARGEST_TOMBSTONE: u64 = 256;

impl Vault {
    /// Checks the structure of the whole vault: every object is known and authentic, every pack that the index names
    /// is there with the right size and says the same as the index, and everything each backup needs is in such a
    /// pack. With `read_data` every pack is read whole, and every chunk in it is verified. `progress` counts bytes
    /// of packs.
    ///
    /// # Errors
    /// What the store says when it cannot be reached, which is no damage; [`Error::Cancelled`].
    pub async fn check(
        self: &Arc<Self>,
        read_data: bool,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<VaultCheck, Error> {
        let mut check = VaultCheck::default();
        let objects = self.objects("").await?;
        check.bytes = objects.iter().map(|object| object.size).sum();
        let mut sizes = BTreeMap::new();
        let mut records = Vec::new();
        let mut tables = Vec::new();
        let mut seen = HashSet::new();
        for object in &objects {
            stop_if(cancel)?;
            if let Some(pack) = pack_of(&object.key) {
                sizes.insert(pack, object.size);
                continue;
            }
            // A record that was sealed anew may stand beside the old one for a while.
            let of = record_of(&object.key).map(|(id, _)| id);
            if of.is_some_and(|id| !seen.insert(id)) {
                continue;
            }
            if let Some(id) = of
                && object.size < LARGEST_TOMBSTONE
                && self.at_record(id).await? != AtRecord::Record
            {
                continue;
            }
            if let Err(error) = self.check_object(object, &mut records, &mut tables).await {
                check.problem(&object.key, damage(error)?);
            }
            if let Some(id) = of {
                check.backups += 1;
                if !records.iter().any(|record| record.backup == id) {
                    check
                        .damaged
                        .push((id, "its commit record cannot be read".to_owned()));
                }
            }
        }
        for id in self.lost_records().await? {
            check.problem(&record_key(id)?, LOST.to_owned());
            check.damaged.push((id, LOST.to_owned()));
        }
        check.packs = sizes.len() as u64;
        let described: HashSet<PackId> = tables.iter().map(|table: &PackTable| table.id).collect();
        let mut orphans = HashSet::new();
        for (pack, size) in &sizes {
            if described.contains(pack) {
                continue;
            }
            orphans.insert(*pack);
            let object = Object {
                key: pack_key(pack)?,
                size: *size,
                modified: None,
            };
            // A pack that was left unfinished is no damage: nothing names it.
            match self.read_table(*pack, &object).await {
                Ok(table) => tables.push(table),
                Err(error) => drop(damage(error)?),
            }
        }
        let digests: HashMap<PackId, blake3::Hash> =
            tables.iter().map(|table| (table.id, digest(table))).collect();
        let vault = Arc::clone(self);
        // Where this cannot be read, a problem says so.
        let quarantined = self
            .rounds()
            .await
            .map(|rounds| rounds.quarantined)
            .unwrap_or_default();
        let (progress, cancel) = (progress.clone(), cancel.clone());
        let work = self.host().blocking(move || {
            let index = Arc::new(Index::build(tables));
            check.chunks = index.chunks() as u64;
            let inspection = Inspection {
                reader: Arc::new(vault.reader(Arc::clone(&index))),
                vault,
                sizes,
                digests,
                bad: Mutex::default(),
                orphans,
                quarantined,
                needed_orphans: Mutex::default(),
                progress,
                cancel,
            };
            inspection.packs(read_data, &mut check)?;
            inspection.backups(&records, &mut check)?;
            inspection.orphans(&mut check)?;
            check
                .problems
                .sort_by(|a, b| (&a.key, &a.reason).cmp(&(&b.key, &b.reason)));
            check.damaged.sort();
            check.damaged.dedup_by_key(|(id, _)| *id);
            Ok(check)
        });
        work.await?
    }

    /// Reads a small object and adds what it says.
    async fn check_object(
        &self,
        object: &Object,
        records: &mut Vec<Record>,
        tables: &mut Vec<PackTable>,
    ) -> Result<(), Error> {
        let key = &object.key;
        let name = key.as_str();
        let unknown = || Error::damaged(key, "no object of a vault has such a name");
        if name == "vault.json" || name.starts_with("keys/") {
            // These were read when the vault was opened.
        } else if name.starts_with("index/") {
            if let Some((_, said)) = self.segment(key).await? {
                tables.extend(said?);
            }
        } else if name.starts_with(BACKUPS) {
            let (id, _) = record_of(key).ok_or_else(unknown)?;
            records.push(self.record(id).await?);
        } else if name.starts_with(INTENTS) {
            let id = backup_of(INTENTS, key).ok_or_else(unknown)?;
            if !self.is_past(key, id).await? {
                self.intent(id).await?;
            }
        } else if name.starts_with(NOTES) {
            self.check_note(key).await?;
        } else if name.starts_with(ROUNDS) {
            self.check_round(key).await?;
        } else if name.starts_with(PROBES) {
            if let Some(bytes) = self.read_if_there(key).await? {
                self.unseal(ObjectKind::Probe, key, &bytes)?;
            }
        } else if name.starts_with(SCRATCH) {
            // A probe is under way, or was killed.
        } else if !crate::lease::is_link(key) {
            return Err(unknown());
        }
        Ok(())
    }
}

struct Inspection {
    vault: Arc<Vault>,
    reader: Arc<Reader>,
    /// Packs in the store.
    sizes: BTreeMap<PackId, u64>,
    /// What the index says of packs.
    digests: HashMap<PackId, blake3::Hash>,
    /// Places of chunks that are not what they should be: all of a pack, or one chunk.
    bad: Mutex<HashMap<(PackId, Option<ChunkId>), String>>,
    /// Packs in the store that no index segment names.
    orphans: HashSet<PackId>,
    /// Packs that are known to be damaged.
    quarantined: HashSet<PackId>,
    /// Those of `orphans` that a backup needs.
    needed_orphans: Mutex<HashSet<PackId>>,
    progress: Progress,
    cancel: CancellationToken,
}

impl Inspection {
    fn packs(&self, read_data: bool, check: &mut VaultCheck) -> Result<(), Error> {
        let index = self.reader.index();
        let known = index
            .all_packs()
            .map(|pack| pack.map(|pack| (pack.id, pack.size)));
        let known: Vec<(PackId, u64)> = known.collect::<Result<_, _>>()?;
        self.progress.add_total(known.iter().map(|(_, size)| size).sum());
        in_parallel(&known, &|(pack, size)| {
            stop_if(&self.cancel)?;
            if let Some(reason) = wrong(Some(*size), self.sizes.get(pack).copied()) {
                self.spoil(*pack, None, reason);
            } else {
                let looked = if read_data {
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

    /// Compares a pack's own table with the index.
    fn look(&self, pack: &PackId, size: u64) -> Result<(), Error> {
        let object = Object {
            key: pack_key(pack)?,
            size,
            modified: None,
        };
        let table = self
            .vault
            .host()
            .block_on(self.vault.read_table(*pack, &object))?;
        self.compare(&table)
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

    fn backups(&self, records: &[Record], check: &mut VaultCheck) -> Result<(), Error> {
        // Backups share blocks: each is judged once.
        let mut judged: HashMap<ChunkId, Option<String>> = HashMap::new();
        for record in records {
            stop_if(&self.cancel)?;
            if let Some(reason) = self.backup(record, &mut judged)? {
                check.damaged.push((record.backup, reason));
            }
        }
        Ok(())
    }

    /// Orphans are harmless leftovers, but for those that a backup needs: their index segment was lost.
    fn orphans(&self, check: &mut VaultCheck) -> Result<(), Error> {
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
            let list = node
                .list
                .parse()
                .and_then(|address| ListReader::open(Arc::clone(&self.reader), address));
            let list = match list {
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
