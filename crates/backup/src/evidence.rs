//! Looking at what a backup needs: which objects, whether they are there, whether they hold what was stored.
//!
//! What is not found or not right is a finding; a store that does not answer is a failure and proves nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use ostler_api::document::Problem;
use ostler_vault::list::{EntryKind, Extent, ListReader};
use ostler_vault::{ChunkId, Error as VaultError, Index, Location, PackId, Reader, Record};
use ostler_vocabulary::{Classified as _, ErrorKind, Failure, Progress};
use tokio_util::sync::CancellationToken;

use crate::Context;
use crate::problems::{MOST, path_text};

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
    pub packs: u64,
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
    let packs: Vec<PackId> = needed.packs.keys().copied().collect();
    let wrong = context
        .vault
        .check_presence(&index, &packs)
        .await
        .map_err(context.attempting(format_args!(
            "look for the objects of backup {}",
            record.backup.short()
        )))?;
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
        packs: packs.len() as u64,
    })
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

/// What the lists of a backup say it needs.
#[derive(Default)]
struct Needed {
    packs: BTreeMap<PackId, Vec<(ChunkId, Location)>>,
    /// Chunks that are missing or wrong, and why.
    bad: HashMap<ChunkId, String>,
    problems: Vec<Problem>,
    files: u64,
    bytes: u64,
}

impl Needed {
    fn add(&mut self, index: &Index, id: ChunkId) {
        match index.get(&id) {
            Some(location) => self.packs.entry(location.pack).or_default().push((id, location)),
            None => {
                self.bad
                    .entry(id)
                    .or_insert_with(|| "a chunk is in no index segment".to_owned());
            }
        }
    }
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

fn gather(context: &Context, reader: &Arc<Reader>, lists: &[String]) -> Result<Needed, Failure> {
    let index = Arc::clone(reader.index());
    let mut needed = Needed::default();
    for list in lists {
        let opened = match ListReader::open(Arc::clone(reader), list_address(list)?) {
            Ok(opened) => opened,
            Err(error) => {
                needed.problems.push(finding("file list", error, context)?);
                continue;
            }
        };
        for id in opened.own_chunks() {
            needed.add(&index, id);
        }
        for entry in opened.entries() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    needed.problems.push(finding("file list", error, context)?);
                    continue;
                }
            };
            if let EntryKind::File { size, content, .. } = entry.kind {
                needed.files += 1;
                needed.bytes += size;
                for extent in content {
                    if let Extent::Chunk { id, .. } = extent {
                        needed.add(&index, id);
                    }
                }
            }
        }
    }
    for chunks in needed.packs.values_mut() {
        chunks.sort_unstable_by_key(|(id, location)| (location.offset, *id));
        chunks.dedup_by_key(|(id, _)| *id);
    }
    Ok(needed)
}

/// Reads every needed pack as a whole: its bytes must hash to its name, and its needed chunks must decode.
fn read_all(
    context: &Context,
    reader: &Reader,
    index: &Index,
    mut needed: Needed,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Needed, Failure> {
    let packs: Vec<(&PackId, &Vec<(ChunkId, Location)>)> = needed.packs.iter().collect();
    progress.add_total(packs.iter().filter_map(|(pack, _)| index.pack_size(pack)).sum());
    let next = AtomicUsize::new(0);
    let found = Mutex::new((Vec::new(), Vec::new(), None));
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut plain = Vec::new();
                while let Some((pack, chunks)) = packs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = if cancel.is_cancelled() {
                        Err(Failure::new(ErrorKind::Cancelled, "reading was cancelled"))
                    } else {
                        read_pack(context, reader, index, pack, chunks, &mut plain)
                    };
                    progress.add_done(index.pack_size(pack).unwrap_or(0));
                    progress.add_item();
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok((problem, bad)) => {
                            found.0.extend(problem);
                            found.1.extend(bad);
                        }
                        Err(failure) => {
                            found.2.get_or_insert(failure);
                            next.store(packs.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (mut problems, bad, failure) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = failure {
        return Err(failure);
    }
    problems.sort_by(|a: &Problem, b| a.path.cmp(&b.path));
    needed.problems.extend(problems);
    needed.bad.extend(bad);
    Ok(needed)
}

type PackFinding = (Option<Problem>, Vec<(ChunkId, String)>);

fn read_pack(
    context: &Context,
    reader: &Reader,
    index: &Index,
    pack: &PackId,
    chunks: &[(ChunkId, Location)],
    plain: &mut Vec<u8>,
) -> Result<PackFinding, Failure> {
    let name = data_encoding::HEXLOWER.encode(&pack.0);
    let key = format!("packs/{}/{name}", &name[..2]);
    let all_bad = |reason: &str| {
        chunks
            .iter()
            .map(|(id, _)| (*id, format!("{key} {reason}")))
            .collect::<Vec<_>>()
    };
    let size = index.pack_size(pack).unwrap_or(0);
    let bytes = match reader.span(pack, 0..size) {
        Ok(bytes) => bytes,
        Err(error) => {
            let problem = finding(&key, error, context)?;
            let bad = all_bad("cannot be read");
            return Ok((Some(problem), bad));
        }
    };
    let mut problem = None;
    if blake3::hash(&bytes).as_bytes() != &pack.0 {
        problem = Some(Problem {
            path: key.clone(),
            reason: "its bytes are not those that were stored".to_owned(),
        });
    }
    let mut bad = Vec::new();
    for (id, location) in chunks {
        let range = usize::try_from(location.offset).ok().and_then(|start| {
            let end = start.checked_add(location.stored as usize)?;
            bytes.get(start..end)
        });
        plain.clear();
        let decoded = match range {
            Some(stored) => match reader.decode(id, location, stored, plain) {
                Ok(()) => Ok(()),
                Err(error) => Err(finding(&key, error, context)?.reason),
            },
            None => Err("it is outside the pack".to_owned()),
        };
        if let Err(reason) = decoded {
            bad.push((*id, format!("{key}: {reason}")));
        }
    }
    if problem.is_none() && !bad.is_empty() {
        problem = Some(Problem {
            path: key,
            reason: "holds chunks that do not decode".to_owned(),
        });
    }
    Ok((problem, bad))
}

/// Adds the files that need what is bad.
fn name_files(reader: &Arc<Reader>, lists: &[String], needed: &mut Needed) -> Result<(), Failure> {
    for list in lists {
        let Ok(opened) = ListReader::open(Arc::clone(reader), list_address(list)?) else {
            continue;
        };
        if let Some(reason) = opened.own_chunks().iter().find_map(|id| needed.bad.get(id)) {
            needed.problems.push(Problem {
                path: "file list".to_owned(),
                reason: reason.clone(),
            });
        }
        for entry in opened.entries() {
            let Ok(entry) = entry else { continue };
            let EntryKind::File { content, .. } = &entry.kind else {
                continue;
            };
            let reason = content.iter().find_map(|extent| match extent {
                Extent::Chunk { id, .. } => needed.bad.get(id),
                Extent::Zeros { .. } => None,
            });
            if let Some(reason) = reason {
                needed.problems.push(Problem {
                    path: path_text(&entry.path),
                    reason: reason.clone(),
                });
                if needed.problems.len() >= MOST {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
