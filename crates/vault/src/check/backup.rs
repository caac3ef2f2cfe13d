//! Checking one backup, down to its files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ostler_vocabulary::Progress;
use tokio_util::sync::CancellationToken;

use super::presence::wrong;
use super::reading::read_chunks;
use super::{BackupCheck, damage, shown, stop_if};
use crate::index::pack_of;
use crate::list::{Entry, EntryKind, ListReader};
use crate::reach::data_chunks;
use crate::{ChunkId, Error, Index, Location, PackId, Reader, Record, Vault};

impl Vault {
    /// Checks that everything a backup needs is there: its lists are read, and its packs are found in the store with
    /// the right sizes. With `read_data` every byte of its files is read and verified too. Names the files that
    /// cannot be restored as they were. `progress` counts bytes of different chunks.
    ///
    /// # Errors
    /// What the store says when it cannot be reached, which is no damage; [`Error::Cancelled`].
    pub async fn verify_backup(
        self: &Arc<Self>,
        index: &Arc<Index>,
        record: &Record,
        read_data: bool,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<BackupCheck, Error> {
        let mut sizes = HashMap::new();
        for object in self.objects("packs/").await? {
            if let Some(pack) = pack_of(&object.key) {
                sizes.insert(pack, object.size);
            }
        }
        let reader = Arc::new(self.reader(Arc::clone(index)));
        let (record, progress, cancel) = (record.clone(), progress.clone(), cancel.clone());
        let work = self.host().blocking(move || {
            let check = Check {
                reader,
                record,
                sizes,
                progress,
                cancel,
            };
            check.run(read_data)
        });
        work.await?
    }
}

struct Check {
    reader: Arc<Reader>,
    record: Record,
    /// Packs in the store.
    sizes: HashMap<PackId, u64>,
    progress: Progress,
    cancel: CancellationToken,
}

impl Check {
    fn run(&self, read_data: bool) -> Result<BackupCheck, Error> {
        let mut check = BackupCheck::default();
        let mut problems = Vec::new();
        let mut wanted: HashMap<ChunkId, Option<Location>> = HashMap::new();
        let mut packs = HashSet::new();
        let mut failed = None;
        self.walk(&mut problems, &mut |list, block, entry| {
            let mut want = |id| {
                let location = *wanted.entry(id).or_insert_with(|| match self.place(&id) {
                    Ok(location) => location,
                    Err(error) => {
                        failed.get_or_insert(error);
                        None
                    }
                });
                packs.extend(location.map(|location| location.pack));
            };
            match entry {
                None => list.block_chunks(block).for_each(&mut want),
                Some(entry) => {
                    if let EntryKind::File { size, .. } = &entry.kind {
                        check.files += 1;
                        check.bytes = check.bytes.saturating_add(*size);
                    }
                    data_chunks(&entry.kind).for_each(&mut want);
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        check.chunks = wanted.len() as u64;
        check.packs = packs.len() as u64;
        let mut bad = HashMap::new();
        let mut readable = Vec::new();
        for (id, location) in wanted {
            match location {
                Some(location) => match self.wrong(&location.pack)? {
                    None => readable.push((id, location)),
                    Some(reason) => {
                        bad.insert(id, format!("pack {}: {reason}", location.pack));
                    }
                },
                None => {
                    bad.insert(id, Error::ChunkUnknown(id).to_string());
                }
            }
        }
        if read_data {
            let bytes = readable.iter().map(|(_, location)| u64::from(location.length));
            self.progress.add_total(bytes.sum());
            bad.extend(read_chunks(&self.reader, readable, &self.progress, &self.cancel)?);
        }
        if !bad.is_empty() {
            // What is wrong with the list was said the first time.
            self.walk(&mut Vec::new(), &mut |list, block, entry| match entry {
                None => {
                    if let Some(reason) = list.block_chunks(block).find_map(|id| bad.get(&id)) {
                        problems.push((from(list, block), reason.clone()));
                    }
                }
                Some(entry) => {
                    if let Some(reason) = data_chunks(&entry.kind).find_map(|id| bad.get(&id)) {
                        problems.push((shown(&entry.path), reason.clone()));
                    }
                }
            })?;
        }
        check.problems = problems;
        Ok(check)
    }

    /// Calls `visit` for every block of the backup's lists, and then for each of its entries.
    fn walk(
        &self,
        problems: &mut Vec<(String, String)>,
        visit: &mut dyn FnMut(&ListReader, usize, Option<&Entry>),
    ) -> Result<(), Error> {
        for node in &self.record.nodes {
            let list = match ListReader::of(&self.reader, node) {
                Ok(list) => list,
                Err(error) => {
                    problems.push((format!("the file list of {}", node.host), damage(error)?));
                    continue;
                }
            };
            for block in 0..list.block_count() {
                stop_if(&self.cancel)?;
                visit(&list, block, None);
                for entry in list.block_entries(block) {
                    match entry {
                        Ok(entry) => visit(&list, block, Some(&entry)),
                        Err(error) => problems.push((from(&list, block), damage(error)?)),
                    }
                }
            }
        }
        Ok(())
    }

    /// Where a chunk is: in a pack that is as it should be, if there is one.
    fn place(&self, id: &ChunkId) -> Result<Option<Location>, Error> {
        let copies = self.reader.index().copies(id)?;
        for location in &copies {
            if self.wrong(&location.pack)?.is_none() {
                return Ok(Some(*location));
            }
        }
        Ok(copies.first().copied())
    }

    fn wrong(&self, pack: &PackId) -> Result<Option<String>, Error> {
        let should = self.reader.index().pack_size(pack)?;
        Ok(wrong(should, self.sizes.get(pack).copied()))
    }
}

fn from(list: &ListReader, block: usize) -> String {
    format!("files from {} on", shown(list.block_first(block)))
}
