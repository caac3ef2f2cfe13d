//! Whether packs are in the store, with the right sizes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use ostler_store::{Object, PAGE};
use ostler_vocabulary::{Classified, ErrorKind, Timestamp};

use super::ObjectProblem;
use crate::index::{pack_key, pack_of};
use crate::list::ListReader;
use crate::reach::data_chunks;
use crate::{Error, Index, PackId, Record, Vault};

/// Why a pack that is not in the store is wrong.
pub(super) const MISSING: &str = "it is not in the store";
/// Requests in flight.
const AT_ONCE: usize = 16;

impl Vault {
    /// Finds every pack of the set in the store with the size the index has for it. Returns what is missing or
    /// wrong.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn check_presence(&self, index: &Index, packs: &[PackId]) -> Result<Vec<ObjectProblem>, Error> {
        let mut sorted = packs.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let sizes = self.pack_sizes(index, &sorted).await?;
        let mut problems = Vec::new();
        for (pack, mut size) in sorted.iter().zip(sizes) {
            if size.is_none() {
                size = self.look_for_pack(pack).await?.map(|object| object.size);
            }
            if let Some(reason) = wrong(index.pack_size(pack)?, size) {
                let key = pack_key(pack)?.to_string();
                problems.push(ObjectProblem { key, reason });
            }
        }
        Ok(problems)
    }

    /// Looks for a pack that an answer of the store lacked, by name and in a listing. `None` when both lack it: only then
    /// it counts as lost.
    ///
    /// # Errors
    /// [`Error::Contradiction`] when it is listed and cannot be looked up; and what the store says.
    pub(crate) async fn look_for_pack(&self, pack: &PackId) -> Result<Option<Object>, Error> {
        let key = pack_key(pack)?;
        match self.store().head(&key).await {
            Ok(object) => return Ok(Some(object)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::store("look up", &key)(error)),
        }
        match self.objects(key.as_str()).await?.is_empty() {
            true => Ok(None),
            false => Err(Error::Contradiction(key.to_string())),
        }
    }

    /// The error of a read that did not find a pack: that it is lost follows only when it is looked for too.
    pub(crate) async fn not_found(&self, pack: &PackId, error: ostler_store::Error) -> Error {
        match self.look_for_pack(pack).await {
            Ok(None) => match pack_key(pack) {
                Ok(key) => Error::store("read", key)(error),
                Err(error) => error,
            },
            Ok(Some(object)) => Error::Contradiction(object.key.to_string()),
            Err(error) => error,
        }
    }

    /// Whether so many packs are looked up by listing all packs: that takes fewer requests than one for each.
    #[must_use]
    pub fn presence_lists(index: &Index, packs: usize) -> bool {
        packs > index.packs() / PAGE + 1
    }

    /// The sizes of these packs, which are sorted, in the store; none of those that are not there. Asks for each, or for
    /// all that the vault has when those are fewer requests.
    async fn pack_sizes(&self, index: &Index, packs: &[PackId]) -> Result<Vec<Option<u64>>, Error> {
        if !Self::presence_lists(index, packs.len()) {
            return stream::iter(packs.iter().copied())
                .map(|pack| async move {
                    let key = pack_key(&pack)?;
                    match self.store().head(&key).await {
                        Ok(object) => Ok(Some(object.size)),
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                        Err(error) => Err(Error::store("look up", &key)(error)),
                    }
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await;
        }
        let mut sizes = vec![None; packs.len()];
        let mut after = None;
        loop {
            let page = self.store().list("packs/", after.as_ref()).await;
            let page = page.map_err(Error::store("list", "packs/"))?;
            for object in page.objects {
                let at = pack_of(&object.key).and_then(|pack| packs.binary_search(&pack).ok());
                if let Some(size) = at.and_then(|at| sizes.get_mut(at)) {
                    *size = Some(object.size);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(sizes);
            }
        }
    }

    /// When these packs were stored, by the store's clock, where it tells.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn stored_at(&self, packs: &[PackId]) -> Result<HashMap<PackId, Timestamp>, Error> {
        let wanted: HashSet<&PackId> = packs.iter().collect();
        let mut stored = HashMap::new();
        let mut after = None;
        loop {
            let page = self.store().list("packs/", after.as_ref()).await;
            let page = page.map_err(Error::store("list", "packs/"))?;
            let known = page.objects.iter().filter_map(|object| {
                let pack = pack_of(&object.key).filter(|pack| wanted.contains(pack))?;
                Some((pack, object.modified?))
            });
            stored.extend(known);
            after = page.next;
            if after.is_none() {
                return Ok(stored);
            }
        }
    }

    /// Every pack that a backup needs: of its file lists and of its files.
    ///
    /// # Errors
    /// [`Error::ChunkUnknown`] for a chunk that no pack has; and what reading its lists says.
    pub async fn pack_set(
        self: &Arc<Self>,
        index: &Arc<Index>,
        record: &Record,
    ) -> Result<Vec<PackId>, Error> {
        let reader = Arc::new(self.reader(Arc::clone(index)));
        let nodes = record.nodes.clone();
        let walk = self.host().blocking(move || {
            let index = reader.index();
            let needed = index.no_packs();
            let mark = |id| match index.mark(&id, &needed)? {
                true => Ok(()),
                false => Err(Error::ChunkUnknown(id)),
            };
            for node in &nodes {
                let list = ListReader::of(&reader, node)?;
                list.own_chunks().into_iter().try_for_each(mark)?;
                for entry in list.entries() {
                    data_chunks(&entry?.kind).try_for_each(mark)?;
                }
            }
            index.packs_of(&needed)
        });
        walk.await?
    }
}

/// What is wrong with a pack that should have one size and has another.
pub(super) fn wrong(should: Option<u64>, has: Option<u64>) -> Option<String> {
    match (should, has) {
        (Some(should), Some(has)) if should == has => None,
        (Some(should), Some(has)) => Some(format!("it has {has} bytes instead of {should}")),
        (_, None) => Some(MISSING.to_owned()),
        (None, Some(_)) => Some("no index segment names it".to_owned()),
    }
}
