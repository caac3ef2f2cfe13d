//! What was kept with a backup for whoever brings it back: the documents of its database.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_vault::list::{EntryKind, Extent, ListReader};
use ostler_vault::{ChunkId, Error as VaultError, Reader, Record};
use ostler_vocabulary::{ErrorKind, Failure};

use super::system::is_system;
use crate::Context;
use crate::driver::Past;
use crate::evidence::list_address;

/// The largest document that is read.
const LARGEST: u64 = 64 << 20;

/// What the driver of the backup's database kept of it.
pub(crate) async fn past(context: &Context, record: &Record) -> Result<Past, Failure> {
    let mut documents = BTreeMap::new();
    let nodes = record.nodes.iter().filter(|part| !is_system(part));
    let nodes = nodes.map(|part| part.host.clone()).collect();
    if let Some(part) = record.nodes.iter().find(|part| is_system(part)) {
        let reader = reader(context).await?;
        let list = list_address(&part.list)?;
        documents = blocking(move || read_documents(&reader, list)).await?;
    }
    Ok(Past {
        backup: record.backup,
        taken: record.started,
        documents,
        nodes,
    })
}

/// Reads the documents of a list. Blocks.
pub(crate) fn read_documents(
    reader: &Arc<Reader>,
    list: ChunkId,
) -> Result<BTreeMap<String, String>, VaultError> {
    let list = ListReader::open(Arc::clone(reader), list)?;
    let mut documents = BTreeMap::new();
    for entry in list.entries() {
        let entry = entry?;
        let EntryKind::File { size, content, .. } = &entry.kind else {
            continue;
        };
        if *size > LARGEST {
            continue;
        }
        let mut bytes = Vec::new();
        for extent in content {
            if let Extent::Chunk { id, .. } = extent {
                bytes.extend(reader.chunk(id)?);
            }
        }
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        documents.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(documents)
}

/// What reads the vault.
pub(super) async fn reader(context: &Context) -> Result<Arc<Reader>, Failure> {
    let index = context.vault.index(false).await;
    let index = index.map_err(context.attempting("read its index"))?;
    Ok(Arc::new(context.vault.reader(index)))
}

/// Reads lists on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(Failure::new(ErrorKind::Internal, "a worker stopped by a defect")),
    }
}
