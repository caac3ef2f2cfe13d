//! Which packs go, which are written anew, and why. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::index::{Copied, Spot};
use crate::{Error, PackId};

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
    /// How many chunks it has.
    pub(super) chunks: u64,
    /// Bytes they take.
    pub(super) bytes: u64,
    /// Those of needed ones, here or where else they are.
    pub(super) needed: u64,
}

/// Goes through all chunks that are needed, with the places of each, which name packs by their place in the list of
/// [`Content`]s; in the same order whenever it is called.
pub(super) type EachNeeded<'a> = dyn Fn(&mut dyn FnMut(&[Copied])) -> Result<(), Error> + 'a;

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

/// A pack of which what is needed goes into new packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anew {
    pub(super) pack: PackId,
    pub(super) why: Reason,
    /// How many of its chunks are needed and nowhere that is better.
    pub(super) live: u64,
    /// Bytes they take.
    pub(super) live_bytes: u64,
    number: u32,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Nothing in them is needed.
    pub(super) dead: Vec<PackId>,
    /// What is needed of them goes into new packs.
    pub(super) rewrite: Vec<Anew>,
    /// Packs whose copies of needed chunks stay, while marked packs with the same chunks go.
    pub(super) relied: BTreeSet<PackId>,
    /// Whether something that is needed is in no pack that is there.
    pub(super) lost: bool,
    homes: Homes,
}

/// Which of its packs a chunk is needed in: the first of them in an order, in which each pack has this place.
#[derive(Debug, Default, PartialEq, Eq)]
struct Homes(Vec<u32>);

/// What a pack has that is needed.
#[derive(Debug, Default, Clone, Copy)]
struct Live {
    chunks: u64,
    bytes: u64,
    /// Bytes of what is needed and has its home elsewhere.
    twice: u64,
}

/// Decides. A chunk that is in several packs is needed in one of them only: the one with the largest part of needed
/// bytes, and of equals the largest, so that what an interrupted run has already written anew is taken, and its origins
/// go. Packs that are marked as going come last: what stays does not rely on them, or else on nobody.
///
/// # Errors
/// Those of `each_needed`.
pub(super) fn decide(packs: &[Content], each_needed: &EachNeeded<'_>) -> Result<Decision, Error> {
    let homes = Homes::of(packs);
    let mut live = vec![Live::default(); packs.len()];
    each_needed(&mut |copies| {
        let home = homes.home(copies);
        for copied in copies {
            let Some(live) = live.get_mut(copied.pack as usize) else {
                continue;
            };
            if Some(copied) == home {
                live.chunks += 1;
                live.bytes = live.bytes.saturating_add(copied.share);
            } else {
                live.twice = live.twice.saturating_add(copied.share);
            }
        }
    })?;
    let mut decision = Decision::default();
    let mut small = [Vec::new(), Vec::new()];
    for ((number, pack), live) in (0..).zip(packs).zip(&live) {
        let anew = |why| Anew {
            pack: pack.pack,
            why,
            live: live.chunks,
            live_bytes: live.bytes,
            number,
        };
        if live.chunks == 0 {
            decision.dead.push(pack.pack);
        } else if !pack.present {
            // Damage is not for the collector to hide.
            decision.lost = true;
        } else if pack.old {
            decision.rewrite.push(anew(Reason::Leaked));
        } else if live.bytes < pack.size / 2 && pack.chunks > live.chunks {
            decision.rewrite.push(anew(Reason::MostlyUnneeded));
        } else if live.twice > pack.size / TWICE {
            decision.rewrite.push(anew(Reason::StoredTwice));
        } else if pack.size < SMALL {
            small[usize::from(pack.lists)].push(anew(Reason::Small));
        }
    }
    let many = small.into_iter().filter(|small| small.len() >= MANY_SMALL);
    decision.rewrite.extend(many.flatten());
    let dead_and_marked: Vec<bool> = packs
        .iter()
        .zip(&live)
        .map(|(pack, live)| pack.marked && live.chunks == 0)
        .collect();
    if dead_and_marked.contains(&true) {
        each_needed(&mut |copies| {
            let goes = |copied: &Copied| dead_and_marked.get(copied.pack as usize) == Some(&true);
            let home = homes.home(copies).and_then(|home| packs.get(home.pack as usize));
            if let Some(home) = home.filter(|_| copies.iter().any(goes)) {
                decision.relied.insert(home.pack);
            }
        })?;
    }
    decision.dead.sort_unstable();
    decision.rewrite.sort_unstable_by_key(|anew| anew.pack);
    decision.homes = homes;
    Ok(decision)
}

impl Decision {
    /// Where in each of these packs its needed chunks are that have their homes there, in order.
    ///
    /// # Errors
    /// Those of `each_needed`.
    pub(super) fn live(&self, packs: &[Anew], each_needed: &EachNeeded<'_>) -> Result<Vec<Vec<Spot>>, Error> {
        let asked: HashMap<u32, usize> = packs.iter().map(|pack| pack.number).zip(0..).collect();
        let room = |pack: &Anew| Vec::with_capacity(usize::try_from(pack.live).unwrap_or(0));
        let mut live: Vec<Vec<Spot>> = packs.iter().map(room).collect();
        each_needed(&mut |copies| {
            if let Some(home) = self.homes.home(copies)
                && let Some(spots) = asked.get(&home.pack).and_then(|at| live.get_mut(*at))
            {
                spots.push(home.spot);
            }
        })?;
        live.iter_mut().for_each(|spots| spots.sort_unstable());
        Ok(live)
    }
}

impl Homes {
    fn of(packs: &[Content]) -> Self {
        let rank = |pack: &Content| {
            (
                pack.present,
                !pack.marked,
                !pack.old,
                thousandths(pack),
                pack.size,
            )
        };
        let mut order: Vec<usize> = (0..packs.len()).collect();
        order.sort_by_cached_key(|at| packs.get(*at).map(|pack| (Reverse(rank(pack)), pack.pack)));
        let mut ranks = vec![u32::MAX; packs.len()];
        for (rank, at) in (0..).zip(order) {
            if let Some(place) = ranks.get_mut(at) {
                *place = rank;
            }
        }
        Self(ranks)
    }

    fn home<'a>(&self, copies: &'a [Copied]) -> Option<&'a Copied> {
        copies
            .iter()
            .min_by_key(|copied| (self.0.get(copied.pack as usize), copied.spot))
    }
}

/// How many thousandths of a pack are needed.
fn thousandths(pack: &Content) -> u64 {
    let thousandths = u128::from(pack.needed) * 1000 / u128::from(pack.bytes.max(1));
    u64::try_from(thousandths).unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// A pack with these chunks and the bytes each takes.
    struct Pack {
        content: Content,
        chunks: Vec<(u8, u64)>,
    }

    fn pack(name: u8, size: u64, chunks: &[(u8, u64)]) -> Pack {
        Pack {
            content: Content {
                pack: PackId([name; 32]),
                size,
                present: true,
                marked: false,
                old: false,
                lists: false,
                chunks: chunks.len() as u64,
                bytes: chunks.iter().map(|(_, stored)| stored).sum(),
                needed: 0,
            },
            chunks: chunks.to_vec(),
        }
    }

    /// Goes through the needed chunks of these packs. The spot of a chunk in its pack tells which chunk it is.
    fn go_through(packs: &[Pack], needed: &[u8], each: &mut dyn FnMut(&[Copied])) {
        for chunk in needed {
            let places = (0..).zip(packs).flat_map(|(number, pack)| {
                let here = (0..).zip(&pack.chunks).filter(|(_, (there, _))| there == chunk);
                here.map(move |(at, (_, stored))| Copied {
                    pack: number,
                    spot: Spot {
                        block: u32::from(*chunk),
                        at,
                    },
                    share: *stored,
                })
            });
            let places: Vec<Copied> = places.collect();
            if !places.is_empty() {
                each(&places);
            }
        }
    }

    fn decide_on(packs: &[Pack], needed: &[u8]) -> (Decision, Vec<Vec<u8>>) {
        let contents = packs.iter().map(|pack| {
            let needed = pack.chunks.iter().filter(|(chunk, _)| needed.contains(chunk));
            Content {
                needed: needed.map(|(_, stored)| stored).sum(),
                ..pack.content.clone()
            }
        });
        let contents: Vec<Content> = contents.collect();
        let each_needed = |each: &mut dyn FnMut(&[Copied])| {
            go_through(packs, needed, each);
            Ok(())
        };
        let decision = decide(&contents, &each_needed).unwrap();
        let live = decision.live(&decision.rewrite, &each_needed).unwrap();
        for (anew, live) in decision.rewrite.iter().zip(&live) {
            assert_eq!(anew.live, live.len() as u64);
        }
        let chunk = |spot: &Spot| u8::try_from(spot.block).unwrap();
        let live = live.iter().map(|spots| spots.iter().map(chunk).collect());
        (decision, live.collect())
    }

    fn decided(packs: &[Pack], needed: &[u8]) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
        let (decision, live) = decide_on(packs, needed);
        let rewritten = decision.rewrite.iter().map(|anew| anew.pack.0[0]).zip(live);
        (
            decision.dead.iter().map(|pack| pack.0[0]).collect(),
            rewritten.collect(),
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
        packs[1].content.present = false;
        assert_eq!(decided(&packs, &[1]), (vec![2], vec![(1, vec![1])]));
        packs[0].content.present = false;
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
        (packs[0].content.old, packs[2].content.old) = (true, true);
        assert_eq!(decided(&packs, &[1, 2]), (vec![3], vec![(1, vec![1])]));
        let (decision, _) = decide_on(&packs, &[1, 2]);
        assert_eq!(decision.rewrite[0].why, Reason::Leaked);
    }

    #[test]
    fn small_packs_are_put_together_when_there_are_many() {
        let some: Vec<Pack> = (0..7).map(|i| pack(i, MIB, &[(i, MIB)])).collect();
        let needed: Vec<u8> = (0..8).collect();
        assert_eq!(decided(&some, &needed).1.len(), 0);
        let many: Vec<Pack> = (0..8).map(|i| pack(i, MIB, &[(i, MIB)])).collect();
        assert_eq!(decided(&many, &needed).1.len(), 8);
        let mut mixed = many;
        mixed[0].content.lists = true;
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
            let packs: Vec<Pack> = packs
                .iter()
                .enumerate()
                .map(|(i, (size, chunks))| {
                    let chunks: Vec<(u8, u64)> = chunks.iter().map(|(c, s)| (*c, s * MIB)).collect();
                    pack(u8::try_from(i).unwrap(), size * MIB, &chunks)
                })
                .collect();
            let needed: Vec<u8> = needed.into_iter().collect();
            let (decision, live) = decide_on(&packs, &needed);
            let mut there: HashSet<u8> = live.concat().into_iter().collect();
            for pack in &packs {
                let id = pack.content.pack;
                let gone = decision.dead.contains(&id) || decision.rewrite.iter().any(|anew| anew.pack == id);
                if !gone {
                    there.extend(pack.chunks.iter().map(|(chunk, _)| *chunk));
                }
            }
            for pack in &packs {
                for (chunk, _) in &pack.chunks {
                    prop_assert!(!needed.contains(chunk) || there.contains(chunk));
                }
            }
        }
    }
}
