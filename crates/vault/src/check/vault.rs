//! Checking a whole vault.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use ostler_store::Object;
use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use super::inspection::{Inspection, Reads};
use super::{VaultCheck, damage, digest, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, LOST, NOTES, backup_of, record_key, record_of};
use crate::envelope::ObjectKind;
use crate::index::{pack_key, pack_of};
use crate::pack::PackTable;
use crate::probes::{PROBES, SCRATCH};
use crate::rounds::ROUNDS;
use crate::{Error, PackId, Record, Vault};

/// How often what is wrong is looked at again, at most.
const LOOKS: u32 = 4;
/// Tombstones are shorter than any commit record.
const LARGEST_TOMBSTONE: u64 = 256;

impl Vault {
    /// Checks the structure of the whole vault: every object is known and authentic, every pack that the index names
    /// is there with the right size and says the same as the index, and everything each backup needs is in such a
    /// pack. With `read_data` every pack is read whole, and every chunk in it is verified. `progress` counts bytes
    /// of packs.
    ///
    /// What is wrong is looked at again, until two looks agree: a collection or a rotation beside the check moves what
    /// the first one has listed.
    ///
    /// # Errors
    /// What the store says when it cannot be reached, or answers that an object is there and is not, which is no damage;
    /// [`Error::Cancelled`].
    pub async fn check(
        self: &Arc<Self>,
        read_data: bool,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<VaultCheck, Error> {
        let reads = match read_data {
            true => Reads::All,
            false => Reads::Only(HashSet::new()),
        };
        let mut check = self.check_once(reads, progress, cancel).await?;
        for _ in 0..LOOKS {
            if check.is_clean() {
                break;
            }
            let suspects = match read_data {
                true => check.wrong_packs.iter().copied().collect(),
                false => HashSet::new(),
            };
            let mut again = self.check_once(Reads::Only(suspects), progress, cancel).await?;
            again.keep_common(&check);
            again.whole.retain(|id| check.whole.contains(id));
            let has_changed = again.leaves(&check);
            check = again;
            if !has_changed {
                break;
            }
        }
        Ok(check)
    }

    async fn check_once(
        self: &Arc<Self>,
        reads: Reads,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<VaultCheck, Error> {
        let mut check = VaultCheck::default();
        let objects = self.objects("").await?;
        let of_vault = |object: &&Object| !object.key.as_str().starts_with(SCRATCH);
        check.bytes = objects.iter().filter(of_vault).map(|object| object.size).sum();
        let mut sizes = BTreeMap::new();
        let mut found = Found::default();
        let segments = objects
            .iter()
            .filter(|object| object.key.as_str().starts_with("index/"));
        found.is_large = self
            .index_cache(segments.map(|object| object.size).sum())
            .is_some();
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
            if let Err(error) = self.check_object(object, &mut found).await {
                let reason = damage(error)?;
                // What came late, sealed with an epoch that was given up, is read by nobody; but a record is missed.
                if of.is_some() || !self.is_given_up(&object.key).await? {
                    check.problem(&object.key, reason);
                }
            }
            if let Some(id) = of {
                check.backups += 1;
                if !found.records.iter().any(|record| record.backup == id) {
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
        let mut orphans = HashSet::new();
        for (pack, size) in &sizes {
            if found.digests.contains_key(pack) {
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
                Ok(table) => found.named(vec![table], false),
                Err(error) => drop(damage(error)?),
            }
        }
        let Found {
            records,
            digests,
            tables,
            segments,
            ..
        } = found;
        let said = self.segments_say(&segments, false).await?;
        let vault = Arc::clone(self);
        // Where this cannot be read, a problem says so.
        let quarantined = self
            .rounds()
            .await
            .map(|rounds| rounds.quarantined)
            .unwrap_or_default();
        let (progress, cancel) = (progress.clone(), cancel.clone());
        let work = self.host().blocking(move || {
            let index = Arc::new(said.into_index(tables));
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
            inspection.packs(&reads, &mut check)?;
            inspection.backups(&records, &mut check)?;
            inspection.stale_entries(&mut check)?;
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
    async fn check_object(&self, object: &Object, found: &mut Found) -> Result<(), Error> {
        let key = &object.key;
        let name = key.as_str();
        let unknown = || Error::damaged(key, "no object of a vault has such a name");
        if name == "vault.json" || name.starts_with("keys/") {
            // These were read when the vault was opened.
        } else if name.starts_with("index/") {
            if let Some((_, said)) = self.segment(key).await? {
                found.named(said?, found.is_large);
                found.segments.extend(found.is_large.then(|| object.clone()));
            }
        } else if name.starts_with(BACKUPS) {
            let (id, _) = record_of(key).ok_or_else(unknown)?;
            found.records.push(self.record(id).await?);
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
            // A probe is under way, or was killed; or it is the reserve.
        } else if !crate::lease::is_link(key) {
            return Err(unknown());
        }
        Ok(())
    }
}

/// What small objects say.
#[derive(Default)]
struct Found {
    records: Vec<Record>,
    /// Of what the index says of each pack.
    digests: HashMap<PackId, blake3::Hash>,
    /// What it says, as far as the cache on disk does not.
    tables: Vec<PackTable>,
    /// Segments that the cache has, or is to have.
    segments: Vec<Object>,
    /// Whether the index is so large that it is kept on disk.
    is_large: bool,
}

impl Found {
    /// Packs as something names them; whether they are on disk too.
    fn named(&mut self, tables: Vec<PackTable>, on_disk: bool) {
        for table in tables {
            self.digests.insert(table.id, digest(&table));
            if !on_disk {
                self.tables.push(table);
            }
        }
    }
}
