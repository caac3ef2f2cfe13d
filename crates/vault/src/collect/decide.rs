//! Which packs go, which are written anew, and why. Pure.

use std::collections::{BTreeSet, HashMap};

use crate::{ChunkId, PackId};

/// A pack below a quarter of the usual size counts as small.
const SMALL: u64 = 6 * 1024 * 1024;
/// Of a pack this part of its bytes may be elsewhere too, before it is written anew.
const TWICE: u64 = 8;
/// So many small packs are put together.
const MANY_SMALL: usize = 8;

/// A pack as the index describes it.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) pack: PackId,
    /// Bytes of the object.
    pub(super) size: u64,
    /// Whether it is in the store with that size.
    pub(super) present: bool,
    /// Whether it is marked as going: its chunks stay elsewhere wherever they can.
    pub(super) marked: bool,
    /// Whether it is sealed with secrets that are to be given up.
    pub(super) old: bool,
    /// Whether file lists are in it: these are put together with their like only.
    pub(super) lists: bool,
    /// Its chunks with the bytes they take.
    pub(super) chunks: Vec<(ChunkId, u64)>,
}

/// Why a pack is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Less than half of it is needed.
    MostlyUnneeded,
    /// An eighth of it or more is in other packs too: several backups stored the same at the same time.
    StoredTwice,
    /// It is one of many small ones.
    Small,
    /// It is sealed with secrets that have leaked.
    Leaked,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Nothing in them is needed.
    pub(super) dead: Vec<PackId>,
    /// What is needed of them goes into new packs.
    pub(super) rewrite: Vec<(PackId, Vec<ChunkId>)>,
    /// Why, for each of these.
    pub(super) reasons: HashMap<PackId, Reason>,
    /// Packs whose copies of needed chunks stay, while marked packs with the same chunks go.
    pub(super) relied: BTreeSet<PackId>,
    /// Whether something that is needed is in no pack that is there.
    pub(super) lost: bool,
}

/// Decides. A chunk that is in several packs is needed in one of them only: the one with the largest part of needed
/// bytes, and of equals the largest, so that what an interrupted run has already written anew is taken, and its origins
/// go. Packs that are marked as going come last: what stays does not rely on them, or else on nobody.
pub(super) fn decide(packs: &[Content], needs: &dyn Fn(&ChunkId) -> bool) -> Decision {
    let mut order: Vec<(_, &Content)> = packs
        .iter()
        .map(|pack| {
            let score = (score(pack, needs), pack.size);
            ((pack.present, !pack.marked, !pack.old, score), pack)
        })
        .collect();
    order.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.pack.cmp(&y.pack)));
    let mut home: HashMap<ChunkId, PackId> = HashMap::new();
    let mut decision = Decision::default();
    let mut small = [Vec::new(), Vec::new()];
    for (_, pack) in order {
        let mut live = Vec::new();
        let (mut live_bytes, mut twice): (u64, u64) = (0, 0);
        for (chunk, stored) in &pack.chunks {
            if needs(chunk) && home.contains_key(chunk) {
                twice = twice.saturating_add(*stored);
            } else if needs(chunk) {
                home.insert(*chunk, pack.pack);
                live.push(*chunk);
                live_bytes = live_bytes.saturating_add(*stored);
            }
        }
        if live.is_empty() {
            decision.dead.push(pack.pack);
        } else if !pack.present {
            // Damage is not for the collector to hide.
            decision.lost = true;
        } else if pack.old {
            decision.rewrite.push((pack.pack, live));
            decision.reasons.insert(pack.pack, Reason::Leaked);
        } else if live_bytes < pack.size / 2 && pack.chunks.len() > live.len() {
            decision.rewrite.push((pack.pack, live));
            decision.reasons.insert(pack.pack, Reason::MostlyUnneeded);
        } else if twice > pack.size / TWICE {
            decision.rewrite.push((pack.pack, live));
            decision.reasons.insert(pack.pack, Reason::StoredTwice);
        } else if pack.size < SMALL {
            small[usize::from(pack.lists)].push((pack.pack, live));
        }
    }
    for mut small in small {
        if small.len() >= MANY_SMALL {
            let reasons = small.iter().map(|(pack, _)| (*pack, Reason::Small));
            decision.reasons.extend(reasons);
            decision.rewrite.append(&mut small);
        }
    }
    for pack in packs
        .iter()
        .filter(|pack| pack.marked && decision.dead.contains(&pack.pack))
    {
        let elsewhere = pack.chunks.iter().filter_map(|(chunk, _)| home.get(chunk));
        decision.relied.extend(elsewhere);
    }
    decision.dead.sort_unstable();
    decision.rewrite.sort_unstable_by_key(|(pack, _)| *pack);
    decision
}

/// How many thousandths of a pack are needed.
fn score(pack: &Content, needs: &dyn Fn(&ChunkId) -> bool) -> u64 {
    let sum = |all: bool| -> u64 {
        let counted = pack.chunks.iter().filter(|(chunk, _)| all || needs(chunk));
        counted.fold(0, |sum: u64, (_, stored)| sum.saturating_add(*stored))
    };
    let thousandths = u128::from(sum(false)) * 1000 / u128::from(sum(true).max(1));
    u64::try_from(thousandths).unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn pack(name: u8, size: u64, chunks: &[(u8, u64)]) -> Content {
        Content {
            pack: PackId([name; 32]),
            size,
            present: true,
            marked: false,
            old: false,
            lists: false,
            chunks: chunks
                .iter()
                .map(|(chunk, stored)| (ChunkId([*chunk; 32]), *stored))
                .collect(),
        }
    }

    fn decided(packs: &[Content], needed: &[u8]) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
        let decision = decide(packs, &|chunk| needed.contains(&chunk.0[0]));
        (
            decision.dead.iter().map(|pack| pack.0[0]).collect(),
            decision
                .rewrite
                .iter()
                .map(|(pack, live)| (pack.0[0], live.iter().map(|chunk| chunk.0[0]).collect()))
                .collect(),
        )
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn packs_nobody_needs_go_and_mostly_dead_ones_are_rewritten() {
        let packs = [
            pack(1, 20 * MIB, &[(1, 10 * MIB), (2, 10 * MIB)]),
            pack(2, 20 * MIB, &[(3, 18 * MIB), (4, 2 * MIB)]),
            pack(3, 20 * MIB, &[(5, 20 * MIB)]),
        ];
        assert_eq!(decided(&packs, &[1, 2, 3, 4, 5]), (vec![], vec![]));
        assert_eq!(decided(&packs, &[1, 4]), (vec![3], vec![(2, vec![4])]));
        assert_eq!(decided(&packs, &[]), (vec![1, 2, 3], vec![]));
    }

    #[test]
    fn of_two_copies_the_one_in_the_fuller_pack_stays() {
        let packs = [
            pack(1, 20 * MIB, &[(1, 2 * MIB), (2, 18 * MIB)]),
            pack(2, 20 * MIB, &[(1, 20 * MIB)]),
        ];
        assert_eq!(decided(&packs, &[1]), (vec![1], vec![]));
    }

    #[test]
    fn a_copy_in_a_pack_that_is_lost_does_not_count() {
        let mut packs = [
            pack(1, 20 * MIB, &[(1, 8 * MIB), (2, 12 * MIB)]),
            pack(2, 20 * MIB, &[(1, 20 * MIB)]),
        ];
        packs[1].present = false;
        assert_eq!(decided(&packs, &[1]), (vec![2], vec![(1, vec![1])]));
        packs[0].present = false;
        assert_eq!(
            decided(&packs, &[1]).1,
            vec![],
            "what is lost cannot be written anew"
        );
    }

    #[test]
    fn what_leaked_secrets_have_sealed_is_written_anew_and_never_stays_for_its_size() {
        let mut packs = [
            pack(1, 30 * MIB, &[(1, 10 * MIB), (2, 20 * MIB)]),
            pack(2, 20 * MIB, &[(2, 20 * MIB)]),
            pack(3, 20 * MIB, &[(3, 20 * MIB)]),
        ];
        (packs[0].old, packs[2].old) = (true, true);
        assert_eq!(decided(&packs, &[1, 2]), (vec![3], vec![(1, vec![1])]));
        let decision = decide(&packs, &|chunk| chunk.0[0] < 3);
        assert_eq!(decision.reasons[&PackId([1; 32])], Reason::Leaked);
    }

    #[test]
    fn small_packs_are_put_together_when_there_are_many() {
        let some: Vec<Content> = (0..7).map(|i| pack(i, MIB, &[(i, MIB)])).collect();
        let needed: Vec<u8> = (0..8).collect();
        assert_eq!(decided(&some, &needed).1.len(), 0);
        let many: Vec<Content> = (0..8).map(|i| pack(i, MIB, &[(i, MIB)])).collect();
        assert_eq!(decided(&many, &needed).1.len(), 8);
        let mut mixed = many;
        mixed[0].lists = true;
        assert_eq!(decided(&mixed, &needed).1.len(), 0);
    }

    proptest! {
        #[test]
        fn every_needed_chunk_stays_somewhere(
            packs in proptest::collection::vec(
                (1u64..30, proptest::collection::vec((0u8..40, 1u64..8), 1..12)),
                0..12,
            ),
            needed in proptest::collection::hash_set(0u8..40, 0..40),
        ) {
            let packs: Vec<Content> = packs
                .iter()
                .enumerate()
                .map(|(i, (size, chunks))| {
                    let chunks: Vec<(u8, u64)> = chunks.iter().map(|(c, s)| (*c, s * MIB)).collect();
                    pack(u8::try_from(i).unwrap(), size * MIB, &chunks)
                })
                .collect();
            let decision = decide(&packs, &|chunk| needed.contains(&chunk.0[0]));
            let mut there: HashSet<ChunkId> =
                decision.rewrite.iter().flat_map(|(_, live)| live.iter().copied()).collect();
            for content in &packs {
                let gone = decision.dead.contains(&content.pack)
                    || decision.rewrite.iter().any(|(pack, _)| *pack == content.pack);
                if !gone {
                    there.extend(content.chunks.iter().map(|(chunk, _)| *chunk));
                }
            }
            for content in &packs {
                for (chunk, _) in &content.chunks {
                    prop_assert!(!needed.contains(&chunk.0[0]) || there.contains(chunk));
                }
            }
        }
    }
}
