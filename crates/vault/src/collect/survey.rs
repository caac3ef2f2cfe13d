//! What there is and what is needed, before anything is changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use ostler_store::{Key, Object};
use ostler_vocabulary::{BackupId, Classified, ErrorKind, Timestamp};
use tokio_util::sync::CancellationToken;

use super::decide::{Content, Decision, Reason, decide};
use super::glance::Glance;
use super::needs::{Begun, Stored, needed};
use super::{CollectPlan, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, record_of};
use crate::index::{Inventory, Said, pack_key, pack_of};
use crate::pack::{Contents, PackTable, epoch_of as epoch_of_pack};
use crate::reserve::RESERVE;
use crate::rounds::Rounds;
use crate::{Error, Index, PackId, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;
/// Bytes that are written anew in one go because of leaked secrets: so much more room the vault takes meanwhile.
const LEAKED_AT_ONCE: u64 = 16 << 30;

/// What a vault holds, and what is to be done about it.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) index: Arc<Index>,
    pub(super) inventory: Arc<Inventory>,
    /// Segments that could be read, with the packs they describe. Others are left alone.
    pub(super) segments: Vec<(Object, Vec<PackId>)>,
    /// Tables of packs that no segment describes.
    pub(super) orphans: Vec<PackTable>,
    pub(super) decision: Arc<Decision>,
    /// Ids below which a commit record was looked for.
    examined: BTreeSet<BackupId>,
    /// Backups that it takes for deleted.
    gone: BTreeSet<BackupId>,
    /// Packs whose being needed is decided by backups that are being made: those that no segment describes, and what
    /// was stored since the first of these backups began. Packs that are locked.
    spared: HashSet<PackId>,
    /// Of those that would go, these are locked, until then.
    pub(super) locked: HashMap<PackId, Timestamp>,
    second: bool,
    /// Segments that are sealed with secrets that are to be given up.
    pub(super) old_segments: HashSet<Key>,
    /// Segments that are sealed with secrets that were given up: nobody can read them.
    pub(super) stale_segments: Vec<Object>,
    sizes: BTreeMap<PackId, u64>,
    /// The rounds that there were before anything else was looked at.
    pub(super) rounds: Rounds,
}

impl Survey {
    pub(super) async fn take(
        vault: &Arc<Vault>,
        gone: &[BackupId],
        marked: &HashSet<PackId>,
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let stored = Stored::take(vault, gone, cancel).await?;
        Self::of(vault, stored, gone, marked, cancel).await
    }

    /// As it will be without these backups, by what was listed at one moment; in the order that makes it hold together where
    /// that does not.
    pub(super) async fn by(
        vault: &Arc<Vault>,
        glance: &Glance,
        gone: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let nothing = HashSet::new();
        let at_once = async {
            let stored = Stored::by(vault, glance, gone, cancel).await?;
            Self::of(vault, stored, gone, &nothing, cancel).await
        };
        match at_once.await {
            Err(Error::Damaged { .. } | Error::Unaccounted { .. }) => {
                Self::take(vault, gone, &nothing, cancel).await
            }
            taken => taken,
        }
    }

    async fn of(
        vault: &Arc<Vault>,
        stored: Stored,
        gone: &[BackupId],
        marked: &HashSet<PackId>,
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let Stored {
            records,
            examined,
            since,
            rounds,
            segments,
            mut said,
            packs: stored,
        } = stored;
        // What is needed of them stays in other packs, wherever it can.
        let quarantined = &rounds.quarantined;
        let mut spared = HashSet::new();
        let before = vault.giving_up().unwrap_or(0);
        let Segments {
            segments,
            old_segments,
            stale_segments,
        } = Segments::of(vault, segments, &mut said, before).await?;
        if let Some(epoch) = said.epoch() {
            vault.learn(epoch).await?;
        }
        let described: HashSet<PackId> = segments.iter().flat_map(|(_, packs)| packs).copied().collect();
        let mut sizes = BTreeMap::new();
        let (mut orphans, mut unnamed) = (Vec::new(), Vec::new());
        for object in stored {
            let Some(id) = pack_of(&object.key) else {
                continue;
            };
            sizes.insert(id, object.size);
            let stored_since =
                |since: &Begun| !described.contains(&id) || since.may_have_stored(object.modified);
            if since.as_ref().is_some_and(stored_since) {
                spared.insert(id);
            }
            if !described.contains(&id) {
                unnamed.push((id, object));
            }
        }
        let reads = stream::iter(unnamed).map(|(id, object)| async move {
            let read = vault.read_table(id, &object).await;
            (id, object, read)
        });
        let mut reads = std::pin::pin!(reads.buffered(AT_ONCE));
        while let Some((id, object, read)) = reads.next().await {
            stop_if(cancel)?;
            match read {
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
        let read = orphans.iter().filter(|table| !table.contents.is_empty());
        let read: Vec<PackTable> = read.cloned().collect();
        let build = vault.host().blocking(move || Arc::new(said.into_index(read)));
        let index = build.await?;
        let needed = needed(vault, &index, records, cancel).await?;
        let inventory = {
            let index = Arc::clone(&index);
            let take = vault.host().blocking(move || Inventory::take(index, &needed));
            Arc::new(take.await??)
        };
        let content = |pack: PackId, size| Content {
            pack,
            size,
            present: sizes.get(&pack) == Some(&size),
            marked: marked.contains(&pack) || quarantined.contains(&pack),
            old: false,
            lists: false,
            chunks: 0,
            bytes: 0,
            needed: 0,
        };
        let known = inventory.packs().iter().map(|holding| Content {
            old: epoch_of_pack(&holding.pack.header) < before,
            lists: holding.lists,
            chunks: holding.chunks,
            bytes: holding.bytes,
            needed: holding.needed,
            ..content(holding.pack.id, holding.pack.size)
        });
        let empty = orphans.iter().filter(|table| table.contents.is_empty());
        let contents: Vec<Content> = known
            .chain(empty.map(|table| content(table.id, table.size)))
            .collect();
        let mut decision = {
            let inventory = Arc::clone(&inventory);
            let decide = move || decide(&contents, &|each| inventory.each_needed(each));
            vault.host().blocking(decide).await??
        };
        let locked = locked(vault, &decision).await?;
        // What is needed of a locked pack is written anew when its lock would have to be made longer, and at once where
        // secrets have leaked. The pack goes when its lock is over.
        decision.rewrite.retain(|anew| {
            locked
                .get(&anew.pack)
                .is_none_or(|until| anew.why == Reason::Leaked || vault.is_due(*until))
        });
        spared.extend(locked.keys());
        if decision.lost {
            // What cannot be read now may hold what is lost.
            let unread = orphans.iter().filter(|table| table.contents.is_empty());
            spared.extend(unread.map(|table| table.id));
        }
        let room = match decision.rewrite.is_empty() {
            true => None,
            false => vault.room().await?,
        };
        // What is written anew is deleted only later: it never fills the file system.
        let room = room.map_or(u64::MAX, |room| room.saturating_sub(2 * RESERVE));
        let (mut leaked, mut written) = (0, 0_u64);
        decision.rewrite.retain(|anew| {
            if anew.why == Reason::Leaked {
                leaked += sizes.get(&anew.pack).copied().unwrap_or(0);
            }
            let fits = written.saturating_add(anew.live_bytes) <= room;
            if fits {
                written += anew.live_bytes;
            }
            fits && leaked <= LEAKED_AT_ONCE
        });
        Ok(Self {
            index,
            inventory,
            segments,
            orphans,
            decision: Arc::new(decision),
            examined,
            gone: gone.iter().copied().collect(),
            spared,
            locked,
            second: !marked.is_empty(),
            old_segments,
            stale_segments,
            sizes,
            rounds,
        })
    }

    /// What collecting by it would free, but for small objects.
    pub(super) fn plan(&self) -> CollectPlan {
        let mut plan = CollectPlan::default();
        for pack in self.removable() {
            plan.free_packs += 1;
            plan.free_bytes += self.size_of(&pack);
        }
        for anew in &self.decision.rewrite {
            if self.locked.contains_key(&anew.pack) {
                continue;
            }
            plan.repack_packs += 1;
            plan.repack_bytes += self.size_of(&anew.pack).saturating_sub(anew.live_bytes);
        }
        plan
    }

    /// Bytes of a pack in the store; 0 when it is not there.
    pub(super) fn size_of(&self, pack: &PackId) -> u64 {
        self.sizes.get(pack).copied().unwrap_or(0)
    }

    /// Segments that go with nothing in their place: packs that are written anew are described anew.
    pub(super) fn superseded(&self) -> impl Iterator<Item = Object> + '_ {
        let going: HashSet<PackId> = self.removable().collect();
        let all_go =
            move |packs: &[PackId]| !packs.is_empty() && packs.iter().all(|pack| going.contains(pack));
        self.segments
            .iter()
            .filter(move |(_, packs)| all_go(packs))
            .map(|(object, _)| object.clone())
    }

    /// The dead packs that may be marked.
    pub(super) fn removable(&self) -> impl Iterator<Item = PackId> {
        let dead = self.decision.dead.iter().copied();
        dead.filter(|pack| !self.spared.contains(pack))
    }

    /// Whether it was made for a round that was open.
    pub(super) fn is_second(&self) -> bool {
        self.second
    }

    /// Whether no backup is committed that this survey did not look at. `others` are such that a listing may not show
    /// yet.
    pub(super) async fn knows(&self, vault: &Vault, others: &BTreeSet<BackupId>) -> Result<bool, Error> {
        let listed = vault.objects(BACKUPS).await?;
        let listed: Option<BTreeSet<BackupId>> = listed
            .iter()
            .map(|object| record_of(&object.key).map(|(id, _)| id))
            .collect();
        let Some(listed) = listed.filter(|listed| (listed | others).is_subset(&self.examined)) else {
            return Ok(false);
        };
        // What is left of a backup that was deleted is a tombstone.
        let left = listed.intersection(&self.gone).copied().collect();
        let left = vault.at_records(left).await?;
        Ok(left.values().all(|at| *at != AtRecord::Record))
    }
}

/// The segments of a vault.
struct Segments {
    segments: Vec<(Object, Vec<PackId>)>,
    old_segments: HashSet<Key>,
    stale_segments: Vec<Object>,
}

impl Segments {
    /// Sorts these by what they say and by the key epochs that they are sealed with, of which those before `before` are to be
    /// given up.
    async fn of(vault: &Vault, listed: Vec<Object>, said: &mut Said, before: u32) -> Result<Self, Error> {
        let mut unread: HashMap<Key, Error> = said.unread.drain(..).collect();
        let mut sorted = Self {
            segments: Vec::new(),
            old_segments: HashSet::new(),
            stale_segments: Vec::new(),
        };
        for object in listed {
            match unread.remove(&object.key) {
                None => {
                    let packs = said.named.remove(&object.key).unwrap_or_default();
                    sorted.segments.push((object, packs));
                }
                Some(error @ Error::EpochUnknown { .. }) => return Err(error),
                Some(Error::NotFound(_)) => {}
                Some(error) => match vault.epoch_at(&object.key).await? {
                    // A request that came late: whoever described this could only have relied on what is gone.
                    Some(epoch) if epoch < vault.keys().lowest() => sorted.stale_segments.push(object),
                    // What it described is found in the packs' own tables.
                    _ => tracing::warn!(key = %object.key, %error, "leaving a damaged index segment alone"),
                },
            }
        }
        if before > 0 {
            let keys: Vec<Key> = sorted
                .segments
                .iter()
                .map(|(object, _)| object.key.clone())
                .collect();
            let reads = stream::iter(keys).map(|key| async move {
                let epoch = vault.epoch_at(&key).await?;
                Ok::<_, Error>(epoch.filter(|epoch| *epoch < before).map(|_| key))
            });
            let old: Vec<Option<Key>> = reads.buffered(AT_ONCE).try_collect().await?;
            sorted.old_segments = old.into_iter().flatten().collect();
        }
        Ok(sorted)
    }
}

/// Packs that would go and cannot yet, because they are locked, with the ends of their locks.
async fn locked(vault: &Arc<Vault>, decision: &Decision) -> Result<HashMap<PackId, Timestamp>, Error> {
    if vault.lock_span().is_none() {
        return Ok(HashMap::new());
    }
    let going = decision
        .dead
        .iter()
        .chain(decision.rewrite.iter().map(|anew| &anew.pack));
    let keys = going.map(pack_key).collect::<Result<_, _>>()?;
    Ok(vault
        .still_locked(keys)
        .await?
        .into_iter()
        .filter_map(|(key, until)| Some((pack_of(&key)?, until)))
        .collect())
}
