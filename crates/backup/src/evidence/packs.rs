//! Reading packs in full: each is what was stored, and what is needed of it decodes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ostler_api::document::Problem;
use ostler_vault::{ChunkId, Index, Location, OpenBlock, PackId, Reader};
use ostler_vocabulary::{ErrorKind, Failure, Progress};
use tokio_util::sync::CancellationToken;

use super::finding;
use super::needed::Needed;
use crate::Context;

/// Reads every needed pack as a whole: its bytes must hash to its name, and its needed chunks must decode.
pub(super) fn read_all(
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
                let mut block = OpenBlock::default();
                while let Some((pack, chunks)) = packs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = if cancel.is_cancelled() {
                        Err(Failure::new(ErrorKind::Cancelled, "reading was cancelled"))
                    } else {
                        twice(pack, &mut block, |block| {
                            read_pack(context, reader, index, pack, chunks, block)
                        })
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

/// What is wrong with a pack is damage only when it is wrong twice: bytes can be damaged on their way too.
fn twice(
    pack: &PackId,
    block: &mut OpenBlock,
    read: impl Fn(&mut OpenBlock) -> Result<PackFinding, Failure>,
) -> Result<PackFinding, Failure> {
    let found = read(block)?;
    if found.0.is_none() && found.1.is_empty() {
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
    index: &Index,
    pack: &PackId,
    chunks: &[(ChunkId, Location)],
    block: &mut OpenBlock,
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
        let decoded = match range {
            Some(stored) => match reader.decode(id, location, stored, block) {
                Ok(_) => Ok(()),
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
