//! Looking at what a backup needs: which objects, whether they are there, whether they hold what was stored.
//!
//! What is not found or not right is a finding; a store that does not answer is a failure and proves nothing.

mod earlier;
mod lists;
mod needed;
mod packs;

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use ostler_api::document::Problem;
use ostler_api::request::Part;
use ostler_vault::{
    ChunkId, Error as VaultError, Folders, Index, PackId, PartRead, ProofFacts, Record, Vault,
};
use ostler_vocabulary::{BackupEvidence, Classified as _, ErrorKind, Failure, Progress, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::demand::Demands;
use crate::problems::MOST;
use crate::{Context, rotation};
use earlier::Earlier;
pub use lists::lacking;
use needed::{Scope, gather, name_files};
use packs::read_all;

/// How often the index is loaded again when something is missing: a collector may be moving what is looked for.
const ROUNDS: u32 = 3;

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// What is read beside the lists.
    pub data: Data,
    /// Only what files at these paths and below need; empty means all.
    pub include: Vec<PathBuf>,
    /// For a backup that is being made: segments have to name all packs, and those are not looked for of which this machine
    /// noted a short time ago that they were there.
    pub new: bool,
    /// What the lists have to contain, of a backup that is being made.
    pub demands: Option<Demands>,
}

/// How much of the data is read.
#[derive(Debug, Clone, Default)]
pub enum Data {
    /// Nothing: packs are looked up, with their sizes.
    #[default]
    Nothing,
    /// Every pack.
    All,
    /// The packs of some folders, chosen by what these proofs have read.
    Part {
        /// Which part.
        part: Part,
        /// The proofs of the backup, oldest first.
        proofs: Vec<ProofFacts>,
        /// What counts as now.
        now: Timestamp,
    },
}

impl Look {
    /// Everything is read, or nothing.
    #[must_use]
    pub fn at_all(read_data: bool) -> Self {
        Self {
            data: match read_data {
                true => Data::All,
                false => Data::Nothing,
            },
            ..Self::default()
        }
    }

    /// What a new backup needs: nothing is read, and what is known to be there is not looked for.
    #[must_use]
    pub fn new() -> Self {
        Self {
            new: true,
            ..Self::default()
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What is missing or wrong: objects first, then the files it concerns.
    pub problems: Vec<Problem>,
    /// What its lists lack. It is among the problems too, unless the backup is being made.
    pub lacking: Vec<Problem>,
    /// Nodes that do not list the directories that they keep data in.
    pub unlisted: Vec<String>,
    /// Regular files of the backup.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Which packs were looked up, and when.
    pub looked: BackupEvidence,
    /// Packs that the backup needs.
    pub packs: Vec<PackId>,
    /// Packs that were read whole.
    pub packs_read: u64,
    /// Their bytes.
    pub bytes_read: u64,
    /// What was read, where it was a part.
    pub part: Option<PartRead>,
    /// Packs that hold something else than what was stored.
    pub wrong_packs: Vec<PackId>,
}

/// Stores that packs are damaged: nothing that is stored later relies on them. What cannot be stored hides no damage.
pub(crate) async fn set_aside(context: &Context, packs: &[PackId]) {
    if let Err(error) = context.vault.quarantine(packs).await {
        tracing::warn!(vault = %context.vault_name, %error, "cannot store that packs are damaged");
    }
}

/// Looks at every object that the backup needs; reads, hashes, decrypts and checks every byte of those packs that
/// `look` says.
///
/// # Errors
/// When the store cannot be asked, or it was cancelled. Damage is not an error but a finding.
pub fn examine<'a>(
    context: &'a Context,
    record: &'a Record,
    look: &'a Look,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
) -> BoxFuture<'a, Result<Evidence, Failure>> {
    // Boxed, so that steps which borrow what they pass here are seen to be `Send`.
    Box::pin(async move {
        let mut round = 1;
        // At first only by what the index says. When something is missing, by what is in the store: it may have been
        // stored again in another pack since.
        let mut packs = Packs::AsIndexed;
        loop {
            // A collector writes new segments before it deletes the packs that they replace: while the segments are
            // the same, what is missing is missing.
            let found = examine_once(context, record, look, packs, progress, cancel).await?;
            let Some((found, index)) = found else {
                packs = Packs::AsStored;
                continue;
            };
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

/// Which packs are taken for those that hold what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packs {
    /// Any that the index names.
    AsIndexed,
    /// Those that are in the store, with their sizes, where there are any.
    AsStored,
}

/// `None` when something is missing where packs are taken as they are indexed.
async fn examine_once(
    context: &Context,
    record: &Record,
    look: &Look,
    which: Packs,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Option<(Evidence, Option<Arc<Index>>)>, Failure> {
    let loaded = match which {
        Packs::AsIndexed => context.vault.index_to_read(false).await,
        // What no segment names is not found by a restore either: it does not count.
        Packs::AsStored => context.vault.index_of_stored().await,
    };
    let index = match loaded {
        Ok(index) => index,
        Err(error) => {
            let found = Evidence {
                problems: vec![finding("index", error, context)?],
                ..Evidence::default()
            };
            return Ok(Some((found, None)));
        }
    };
    let reader = Arc::new(context.vault.reader(Arc::clone(&index)));
    let scope = Arc::new(Scope::new(&record.nodes, &look.include)?);
    let demands = lists::demands(context, &reader, record, look).await?;
    let (mut needed, packs) = blocking(context, {
        let (reader, scope, demands) = (Arc::clone(&reader), Arc::clone(&scope), demands.clone());
        move |context| {
            let needed = gather(context, &reader, &scope, demands.as_ref())?;
            let packs = reader.index().packs_of(&needed.packs)?;
            Ok((needed, packs))
        }
    })
    .await?;
    let demands = demands.unwrap_or_default();
    let lacking = demands.reasons(&needed.lists);
    let mut earlier = Earlier::load(context, &index).await;
    let (asked, remembered_since) = match look.new {
        true => earlier.without_known(&index, &packs)?,
        false => (packs.clone(), None),
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
    if look.new {
        // Others find chunks by segments: what was stored and is named by none is not stored well.
        let unnamed = packs.iter().filter(|pack| index.is_unnamed(pack));
        needed.problems.extend(unnamed.map(|pack| Problem {
            path: packs::key(pack),
            reason: "no index segment names it".to_owned(),
        }));
    }
    earlier.note(&index, &asked, &wrong, at)?;
    earlier.save(context).await;
    if which == Packs::AsIndexed && !(wrong.is_empty() && needed.bad.is_empty() && needed.problems.is_empty())
    {
        return Ok(None);
    }
    for object in wrong {
        if let Some(pack) = pack_of(&object.key) {
            needed
                .bad_packs
                .insert(pack, format!("{} {}", object.key, object.reason));
        }
        needed.problems.push(Problem {
            path: object.key,
            reason: object.reason,
        });
    }
    let (wanted, part) = wanted(context, look, &packs).await?;
    let there = |pack: &PackId| !needed.bad_packs.contains_key(pack);
    let wanted: Vec<PackId> = wanted.into_iter().filter(there).collect();
    let (packs_read, mut bytes_read) = (wanted.len() as u64, 0);
    if !wanted.is_empty() {
        let (progress, cancel, reader) = (progress.clone(), cancel.clone(), Arc::clone(&reader));
        (needed, bytes_read) = blocking(context, move |context| {
            let read = read_all(context, &reader, &wanted, &mut needed, &progress, &cancel)?;
            Ok((needed, read))
        })
        .await?;
    }
    if needed.is_bad() {
        needed = blocking(context, move |_| {
            name_files(&reader, &scope, &mut needed)?;
            Ok(needed)
        })
        .await?;
    }
    if !look.new {
        needed.problems.extend(lacking.iter().cloned());
    }
    needed.problems.truncate(MOST);
    let found = Evidence {
        lacking,
        unlisted: demands.unlisted().into_iter().map(str::to_owned).collect(),
        problems: needed.problems,
        files: needed.files,
        bytes: needed.bytes,
        looked: BackupEvidence {
            looked_at: at,
            looked_up: asked.len() as u64,
            listed: Vault::presence_lists(&index, asked.len()),
            remembered: (packs.len() - asked.len()) as u64,
            remembered_since,
            members: demands.evidence(&needed.lists),
            ..BackupEvidence::default()
        },
        packs,
        packs_read,
        bytes_read,
        part,
        wrong_packs: needed.wrong.into_iter().collect(),
    };
    Ok(Some((found, Some(index))))
}

/// The packs that are to be read, and what that makes of a part.
async fn wanted(
    context: &Context,
    look: &Look,
    packs: &[PackId],
) -> Result<(Vec<PackId>, Option<PartRead>), Failure> {
    let (part, proofs, now) = match &look.data {
        Data::Nothing => return Ok((Vec::new(), None)),
        Data::All => return Ok((packs.to_vec(), None)),
        Data::Part { part, proofs, now } => (part, proofs, *now),
    };
    let stored = context.vault.stored_at(packs).await;
    let stored = stored.map_err(context.attempting("list its packs"))?;
    let needed: Vec<rotation::Needed> = packs
        .iter()
        .map(|pack| rotation::Needed {
            pack: *pack,
            stored: stored.get(pack).copied(),
        })
        .collect();
    let folders = rotation::choose(part, &needed, proofs, now);
    let since = rotation::since(&needed, proofs, &folders, now);
    let wanted = packs
        .iter()
        .copied()
        .filter(|pack| folders.contains(Folders::of(pack)));
    Ok((wanted.collect(), Some(PartRead { folders, since })))
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
