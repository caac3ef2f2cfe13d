//! Reading packs in full: each is what was stored, and what is in it decodes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ostler_api::document::Problem;
use ostler_vault::{ChunkId, OpenBlock, PackId, Reader};
use ostler_vocabulary::{Classified as _, ErrorKind, Failure, Progress};
use tokio_util::sync::CancellationToken;

use super::finding;
use super::needed::Needed;
use crate::Context;
use crate::problems::MOST;

/// What was found of one pack.
enum Found {
    Right,
    /// It is not what was stored; some of it may be.
    Wrong(Problem),
    /// It is not in the store.
    Missing(Problem),
    /// These chunks of it are not what they should be.
    Chunks(Vec<(ChunkId, String)>),
}

/// What is not right, and what kept from looking.
type Gathered = (Vec<(PackId, Found)>, Option<Failure>);

/// Reads these packs as a whole: the bytes must hash to the name, the index must say the same as the pack's own table,
/// and every chunk must decode to what its name says. Gives the bytes that were read.
pub(super) fn read_all(
    context: &Context,
    reader: &Reader,
    packs: &[PackId],
    needed: &mut Needed,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<u64, Failure> {
    let index = reader.index();
    let mut sized = Vec::with_capacity(packs.len());
    for pack in packs {
        sized.push((*pack, index.pack_size(pack)?.unwrap_or(0)));
    }
    let total = sized.iter().map(|(_, size)| size).sum();
    progress.add_total(total);
    let next = AtomicUsize::new(0);
    let found: Mutex<Gathered> = Mutex::default();
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut block = OpenBlock::default();
                while let Some((pack, size)) = sized.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = if cancel.is_cancelled() {
                        Err(Failure::new(ErrorKind::Cancelled, "reading was cancelled"))
                    } else {
                        twice(pack, &mut block, |block| read_pack(context, reader, pack, block))
                    };
                    progress.add_done(*size);
                    progress.add_item();
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(Found::Right) => {}
                        Ok(wrong) => found.0.push((*pack, wrong)),
                        Err(failure) => {
                            found.1.get_or_insert(failure);
                            next.store(sized.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (mut wrong, failure) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(failure) = failure {
        return Err(failure);
    }
    wrong.sort_by_key(|(pack, _)| *pack);
    for (pack, found) in wrong {
        if !matches!(found, Found::Missing(_)) {
            needed.wrong.insert(pack);
        }
        match found {
            Found::Right => {}
            Found::Wrong(problem) | Found::Missing(problem) => {
                let reason = format!("{} {}", problem.path, problem.reason);
                needed.bad_packs.insert(pack, reason);
                if needed.problems.len() < MOST {
                    needed.problems.push(problem);
                }
            }
            Found::Chunks(chunks) => {
                let key = key(&pack);
                let bad = chunks
                    .into_iter()
                    .map(|(id, reason)| (id, format!("{key}: {reason}")));
                needed.bad.extend(bad);
                needed.problems.push(Problem {
                    path: key,
                    reason: "holds chunks that do not decode".to_owned(),
                });
            }
        }
    }
    Ok(total)
}

pub(super) fn key(pack: &PackId) -> String {
    let name = pack.to_string();
    format!("packs/{}/{name}", &name[..2])
}

/// What is wrong with a pack is damage only when it is wrong twice: bytes can be damaged on their way too.
fn twice(
    pack: &PackId,
    block: &mut OpenBlock,
    read: impl Fn(&mut OpenBlock) -> Result<Found, Failure>,
) -> Result<Found, Failure> {
    let found = read(block)?;
    if matches!(found, Found::Right) {
        return Ok(found);
    }
    tracing::warn!(%pack, "is not as it should be and is read again");
    // A fresh one, that knows nothing of what was read before.
    *block = OpenBlock::default();
    read(block)
}

fn read_pack(
    context: &Context,
    reader: &Reader,
    pack: &PackId,
    block: &mut OpenBlock,
) -> Result<Found, Failure> {
    match reader.prove_pack(pack, block) {
        Ok(bad) if bad.is_empty() => Ok(Found::Right),
        Ok(bad) => Ok(Found::Chunks(bad)),
        Err(error) => {
            let is_wrong = error.kind() == ErrorKind::Corrupt;
            let problem = finding(&key(pack), error, context)?;
            Ok(match is_wrong {
                true => Found::Wrong(problem),
                false => Found::Missing(problem),
            })
        }
    }
}
