//! Which packs were found in the store a short time ago, so that a backup need not ask for each of them again.
//!
//! Only what this machine saw counts, only while no space was freed since (the round of collection is the same), and
//! only for [`Context::presence_max_age`]. It is off unless configured: a pack that somebody moved away is not found by it. The file is a note and no proof for anybody else: without it, or where it
//! cannot be read, every pack is looked for. Its bytes: a checksum (BLAKE3 of what follows), the round, and for each
//! pack its name, its size and when it was seen in milliseconds since 1970.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_vault::{Error, Index, ObjectProblem, PackId};
use ostler_vocabulary::Timestamp;

use crate::Context;

/// The name, the size, the time.
const ENTRY: usize = 32 + 8 + 8;
/// What is not worth its memory and its reading: a hundred thousand packs are more than a terabyte.
const MOST: usize = 1_000_000;

/// The packs that were seen.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// The round of collection in which they were seen; `None` when nothing may be noted.
    round: Option<u64>,
    seen: BTreeMap<PackId, Seen>,
    changed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    size: u64,
    at: i64,
}

impl Earlier {
    /// What was noted and still counts.
    pub(super) async fn load(context: &Context, index: &Index) -> Self {
        let round = index.round();
        let seen = match (&context.presence, round) {
            (Some(file), Some(round)) => read(file, round).await.unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        let mut earlier = Self {
            round,
            seen,
            changed: false,
        };
        let oldest = context
            .now()
            .checked_sub(context.presence_max_age)
            .map_or(i64::MAX, Timestamp::as_millisecond);
        let now = context.now().as_millisecond();
        let before = earlier.seen.len();
        // What was seen in the future was seen by another clock.
        earlier.seen.retain(|_, seen| seen.at > oldest && seen.at <= now);
        earlier.changed = earlier.seen.len() != before;
        earlier
    }

    /// Those of the packs of which no earlier look counts, and when the first of the others was looked up.
    pub(super) fn without_known(
        &self,
        index: &Index,
        packs: &[PackId],
    ) -> Result<(Vec<PackId>, Option<Timestamp>), Error> {
        let (mut unknown, mut since) = (Vec::new(), None::<i64>);
        for pack in packs {
            match self.seen.get(pack) {
                Some(seen) if index.pack_size(pack)? == Some(seen.size) => {
                    since = Some(since.map_or(seen.at, |since| since.min(seen.at)));
                }
                _ => unknown.push(*pack),
            }
        }
        Ok((unknown, since.and_then(|at| Timestamp::from_millisecond(at).ok())))
    }

    /// Takes down what was asked for and found.
    pub(super) fn note(
        &mut self,
        index: &Index,
        asked: &[PackId],
        wrong: &[ObjectProblem],
        at: Timestamp,
    ) -> Result<(), Error> {
        let at = at.as_millisecond();
        for pack in asked {
            match index.pack_size(pack)? {
                Some(size) if self.seen.len() < MOST => self.seen.insert(*pack, Seen { size, at }),
                _ => self.seen.remove(pack),
            };
        }
        for pack in wrong.iter().filter_map(|object| super::pack_of(&object.key)) {
            self.seen.remove(&pack);
        }
        self.changed |= !asked.is_empty();
        Ok(())
    }

    /// Keeps it. That it cannot be kept only costs requests.
    pub(super) async fn save(&self, context: &Context) {
        let (Some(file), Some(round), true) = (&context.presence, self.round, self.changed) else {
            return;
        };
        if let Err(error) = write(file, &encode(round, &self.seen)).await {
            tracing::debug!(file = %file.display(), %error, "what was seen in the store is not noted");
        }
    }
}

fn encode(round: u64, seen: &BTreeMap<PackId, Seen>) -> Vec<u8> {
    let mut bytes = vec![0; 32];
    bytes.extend_from_slice(&round.to_be_bytes());
    for (pack, seen) in seen {
        bytes.extend_from_slice(&pack.0);
        bytes.extend_from_slice(&seen.size.to_be_bytes());
        bytes.extend_from_slice(&seen.at.to_be_bytes());
    }
    let checksum = blake3::hash(&bytes[32..]);
    bytes[..32].copy_from_slice(checksum.as_bytes());
    bytes
}

/// `None` when it is damaged, or of another round.
fn decode(bytes: &[u8], round: u64) -> Option<BTreeMap<PackId, Seen>> {
    let (checksum, rest) = bytes.split_first_chunk::<32>()?;
    if blake3::hash(rest).as_bytes() != checksum {
        return None;
    }
    let (noted, rest) = rest.split_first_chunk::<8>()?;
    if u64::from_be_bytes(*noted) != round {
        return None;
    }
    let (entries, left) = rest.as_chunks::<ENTRY>();
    let mut seen = BTreeMap::new();
    for entry in entries {
        let (pack, rest) = entry.split_first_chunk::<32>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let at = rest.first_chunk::<8>()?;
        let one = Seen {
            size: u64::from_be_bytes(*size),
            at: i64::from_be_bytes(*at),
        };
        seen.insert(PackId(*pack), one);
    }
    left.is_empty().then_some(seen)
}

async fn read(file: &Path, round: u64) -> Option<BTreeMap<PackId, Seen>> {
    decode(&tokio::fs::read(file).await.ok()?, round)
}

async fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        tokio::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .await?;
    }
    let new = file.with_extension(format!("{}.new", std::process::id()));
    tokio::fs::write(&new, bytes).await?;
    tokio::fs::rename(&new, file).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ostler_vault::PackId;

    use super::{Seen, decode, encode};

    #[test]
    fn notes_read_back_in_their_round_and_nothing_else_does() {
        let seen = BTreeMap::from([
            (PackId([1; 32]), Seen { size: 5, at: -7 }),
            (
                PackId([2; 32]),
                Seen {
                    size: u64::MAX,
                    at: 9,
                },
            ),
        ]);
        let bytes = encode(3, &seen);
        assert_eq!(decode(&bytes, 3), Some(seen));
        assert_eq!(decode(&bytes, 4), None);
        assert_eq!(decode(&encode(0, &BTreeMap::new()), 0), Some(BTreeMap::new()));
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_eq!(decode(&wrong, 3), None, "byte {at}");
            assert_eq!(decode(&bytes[..at], 3), None, "{at} bytes");
        }
    }
}
