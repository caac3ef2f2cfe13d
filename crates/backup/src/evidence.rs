//! Looking at what a backup needs: which objects, whether they are there, whether they hold what was stored.
//!
//! What is not found or not right is a finding; a store that does not answer is a failure and proves nothing.

mod needed;
mod packs;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use ostler_api::document::Problem;
use ostler_vault::{ChunkId, Error as VaultError, Index, PackId, Record};
use ostler_vocabulary::{Classified as _, ErrorKind, Failure, Progress};
use tokio_util::sync::CancellationToken;

use crate::Context;
use crate::problems::MOST;
use needed::{Needed, gather, name_files};
use packs::read_all;

/// How often the index is loaded again when something is missing: a collector may be moving what is looked for.
const ROUNDS: u32 = 3;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What is missing or wrong: objects first, then the files it concerns.
    pub problems: Vec<Problem>,
    /// Regular files of the backup.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packs that the backup needs.
    pub packs: Vec<PackId>,
}

/// Looks at every object that the backup needs; with `read_data` reads, hashes, decrypts and checks every byte.
///
/// # Errors
/// When the store cannot be asked, or it was cancelled. Damage is not an error but a finding.
pub fn examine<'a>(
    context: &'a Context,
    record: &'a Record,
    read_data: bool,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
) -> BoxFuture<'a, Result<Evidence, Failure>> {
    // Boxed, so that steps which borrow what they pass here are seen to be `Send`.
    Box::pin(async move {
        let mut round = 1;
        loop {
            // A collector writes new segments before it deletes the packs that they replace: while the segments are
            // the same, what is missing is missing.
            let before = segments(context).await?;
            let found = examine_once(context, record, read_data, progress, cancel).await?;
            if found.problems.is_empty() || round == ROUNDS || before == segments(context).await? {
                return Ok(found);
            }
            round += 1;
        }
    })
}

/// Which index segments there are.
async fn segments(context: &Context) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = context
            .vault
            .store()
            .list("index/", after.as_ref())
            .await
            .map_err(context.attempting("list its index"))?;
        keys.extend(page.objects.iter().map(|o| o.key.as_str().to_owned()));
        after = page.next;
        if after.is_none() {
            return Ok(keys);
        }
    }
}

async fn examine_once(
    context: &Context,
    record: &Record,
    read_data: bool,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Evidence, Failure> {
    let index = match context.vault.index(false).await {
        Ok(index) => index,
        Err(error) => {
            return Ok(Evidence {
                problems: vec![finding("index", error, context)?],
                ..Evidence::default()
            });
        }
    };
    let reader = Arc::new(context.vault.reader(Arc::clone(&index)));
    let lists: Vec<String> = record.nodes.iter().map(|n| n.list.clone()).collect();
    let mut needed = blocking(context, {
        let (reader, lists) = (Arc::clone(&reader), lists.clone());
        move |context| gather(context, &reader, &lists)
    })
    .await?;
    let packs = find_packs(context, record, &index, &mut needed).await?;
    if read_data {
        let (progress, cancel, reader) = (progress.clone(), cancel.clone(), Arc::clone(&reader));
        needed = blocking(context, move |context| {
            read_all(context, &reader, &index, needed, &progress, &cancel)
        })
        .await?;
    }
    if !needed.bad.is_empty() {
        needed = blocking(context, move |_| {
            name_files(&reader, &lists, &mut needed)?;
            Ok(needed)
        })
        .await?;
    }
    needed.problems.truncate(MOST);
    Ok(Evidence {
        problems: needed.problems,
        files: needed.files,
        bytes: needed.bytes,
        packs,
    })
}

/// Finds every needed pack in the store; gives those that were found. A chunk whose pack is missing or wrong may have
/// another copy: it may have been stored again since.
async fn find_packs(
    context: &Context,
    record: &Record,
    index: &Index,
    needed: &mut Needed,
) -> Result<Vec<PackId>, Failure> {
    let mut wrong = BTreeMap::new();
    let mut unseen: Vec<PackId> = needed.packs.keys().copied().collect();
    while !unseen.is_empty() {
        let found = context.vault.check_presence(index, &unseen).await;
        let found = found.map_err(context.attempting(format_args!(
            "look for the objects of backup {}",
            record.backup.short()
        )))?;
        for object in found {
            if let Some(pack) = pack_of(&object.key) {
                wrong.insert(pack, object);
            }
        }
        unseen = needed.look_elsewhere(index, &wrong);
    }
    Ok(needed.packs.keys().copied().collect())
}

async fn blocking<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Context) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let context = context.clone();
    tokio::task::spawn_blocking(move || work(&context))
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(
                ErrorKind::Internal,
                "reading the vault stopped by a defect",
            ))
        })
}

/// Damage as a finding; anything else as the failure it is.
fn finding(what: &str, error: VaultError, context: &Context) -> Result<Problem, Failure> {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::NotFound => Ok(Problem {
            path: what.to_owned(),
            reason: Failure::from(error).messages().join(": "),
        }),
        _ => Err(context.attempting(format_args!("read its {what}"))(error)),
    }
}

/// The address of a file list as the vault takes it.
///
/// # Errors
/// `Corrupt` when it is no chunk id.
pub fn list_address(list: &str) -> Result<ChunkId, Failure> {
    data_encoding::HEXLOWER
        .decode(list.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(ChunkId)
        .ok_or_else(|| {
            Failure::new(
                ErrorKind::Corrupt,
                format!("`{list}` is not the address of a file list"),
            )
        })
}

fn pack_of(key: &str) -> Option<PackId> {
    let name = key.rsplit('/').next()?;
    let bytes = data_encoding::HEXLOWER.decode(name.as_bytes()).ok()?;
    Some(PackId(bytes.try_into().ok()?))
}
