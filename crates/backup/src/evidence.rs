//! Looking at what a backup needs: which objects, whether they are there, whether they hold what was stored.
//!
//! What is not found or not right is a finding; a store that does not answer is a failure and proves nothing.

mod earlier;
mod needed;
mod packs;

use std::sync::Arc;

use futures::future::BoxFuture;
use ostler_api::document::Problem;
use ostler_vault::{ChunkId, Error as VaultError, Index, PackId, Record};
use ostler_vocabulary::{Classified as _, ErrorKind, Failure, Progress};
use tokio_util::sync::CancellationToken;

use crate::Context;
use crate::problems::MOST;
use earlier::Earlier;
use needed::{gather, name_files};
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

/// How closely a backup is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Lists are read, and packs are found in the store, except those of which it was noted a short time ago that
    /// they were.
    New,
    /// Lists are read, and every pack is found in the store.
    Every,
    /// Every byte is read, hashed, decrypted and checked.
    Data,
}

impl Depth {
    /// As verbs with `--read-data` ask for it.
    #[must_use]
    pub fn of(read_data: bool) -> Self {
        if read_data { Self::Data } else { Self::Every }
    }
}

/// Looks at every object that the backup needs, as closely as asked for.
///
/// # Errors
/// When the store cannot be asked, or it was cancelled. Damage is not an error but a finding.
pub fn examine<'a>(
    context: &'a Context,
    record: &'a Record,
    depth: Depth,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
) -> BoxFuture<'a, Result<Evidence, Failure>> {
    // Boxed, so that steps which borrow what they pass here are seen to be `Send`.
    Box::pin(async move {
        let mut round = 1;
        loop {
            // A collector writes new segments before it deletes the packs that they replace: while the segments are
            // the same, what is missing is missing.
            let (found, index) = examine_once(context, record, depth, progress, cancel).await?;
            let (Some(index), false) = (index, found.problems.is_empty() || round == ROUNDS) else {
                return Ok(found);
            };
            let same = context.vault.has_same_segments(&index).await;
            if same.map_err(context.attempting("list its index"))? {
                return Ok(found);
            }
            round += 1;
        }
    })
}

async fn examine_once(
    context: &Context,
    record: &Record,
    depth: Depth,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<(Evidence, Option<Arc<Index>>), Failure> {
    let index = match context.vault.index(false).await {
        Ok(index) => index,
        Err(error) => {
            let found = Evidence {
                problems: vec![finding("index", error, context)?],
                ..Evidence::default()
            };
            return Ok((found, None));
        }
    };
    let reader = Arc::new(context.vault.reader(Arc::clone(&index)));
    let lists: Vec<String> = record.nodes.iter().map(|n| n.list.clone()).collect();
    let mut needed = blocking(context, {
        let (reader, lists) = (Arc::clone(&reader), lists.clone());
        move |context| gather(context, &reader, &lists)
    })
    .await?;
    let packs: Vec<PackId> = needed.packs.keys().copied().collect();
    let mut earlier = Earlier::load(context, &index).await;
    let asked: Vec<PackId> = match depth {
        Depth::New => earlier.without_known(&index, &packs),
        Depth::Every | Depth::Data => packs.clone(),
    };
    let at = context.now();
    let wrong = context
        .vault
        .check_presence(&index, &asked)
        .await
        .map_err(context.attempting(format_args!(
            "look for the objects of backup {}",
            record.backup.short()
        )))?;
    earlier.note(&index, &asked, &wrong, at);
    earlier.save(context).await;
    for object in wrong {
        if let Some(pack) = pack_of(&object.key) {
            let chunks = needed.packs.remove(&pack).unwrap_or_default();
            let reason = format!("{} {}", object.key, object.reason);
            needed
                .bad
                .extend(chunks.into_iter().map(|(id, _)| (id, reason.clone())));
        }
        needed.problems.push(Problem {
            path: object.key,
            reason: object.reason,
        });
    }
    if depth == Depth::Data {
        let (progress, cancel, reader) = (progress.clone(), cancel.clone(), Arc::clone(&reader));
        let index = Arc::clone(&index);
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
    let found = Evidence {
        problems: needed.problems,
        files: needed.files,
        bytes: needed.bytes,
        packs,
    };
    Ok((found, Some(index)))
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
