//! Which part of a backup's data is read next, and when all of it was last read: from stored proofs. Pure.
//!
//! A part is a set of folders of packs. Reading by shares goes round: each run begins where the newest one ended, so that
//! twenty runs of 5 % read everything, wherever they run. What a collection wrote into new packs meanwhile counts as
//! unread until the round comes to it again.

use ostler_api::document::{BackupState, Reading};
use ostler_api::request::Part;
use ostler_vault::{Folders, PackId, ProofFacts};
use ostler_vocabulary::Timestamp;

use crate::state::{Backup, method};

/// A pack that a backup needs, and when it was stored, by the store's clock, where it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// The pack.
    pub pack: PackId,
    /// When it was stored.
    pub stored: Option<Timestamp>,
}

/// What lists call recent.
const RECENT: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// The folders that are to be read now.
#[must_use]
pub fn choose(part: &Part, needed: &[Needed], proofs: &[ProofFacts], now: Timestamp) -> Folders {
    match part {
        Part::Share(share) => next(share.of(u32::from(Folders::COUNT)), needed, proofs),
        Part::OlderThan(age) => {
            let age = jiff::SignedDuration::try_from(age.0).unwrap_or(jiff::SignedDuration::MAX);
            let limit = now.checked_sub(age).unwrap_or(Timestamp::MIN);
            let mut folders = Folders::default();
            for pack in needed {
                // What was never read is as old as it is.
                if last_read(pack, proofs)
                    .max(pack.stored)
                    .is_none_or(|at| at < limit)
                {
                    folders.insert(Folders::of(&pack.pack));
                }
            }
            folders
        }
    }
}

/// So many folders, from where the newest proof of this kind ended; more while nothing is in them.
fn next(count: u32, needed: &[Needed], proofs: &[ProofFacts]) -> Folders {
    let newest = proofs
        .iter()
        .filter(|proof| proof.method == method::VERIFY_SAMPLE)
        .max_by_key(|proof| proof.at);
    let start = newest
        .and_then(|proof| proof.part)
        .map_or(0, |part| end(&part.folders));
    let mut filled = Folders::default();
    for pack in needed {
        filled.insert(Folders::of(&pack.pack));
    }
    let (mut folders, mut any) = (Folders::default(), needed.is_empty());
    for step in 0..Folders::COUNT {
        if u32::from(step) >= count && any {
            break;
        }
        let folder = start.wrapping_add(u8::try_from(step).unwrap_or(0));
        folders.insert(folder);
        any |= filled.contains(folder);
    }
    folders
}

/// The folder after the last of a row of them, which may go over the end.
fn end(folders: &Folders) -> u8 {
    let after = |folder: &u8| folders.contains(folder.wrapping_sub(1)) && !folders.contains(*folder);
    (0..=u8::MAX).find(after).unwrap_or(0)
}

/// When a pack was last read whole, after it was stored.
fn last_read(pack: &Needed, proofs: &[ProofFacts]) -> Option<Timestamp> {
    let folder = Folders::of(&pack.pack);
    let read_it = |proof: &&ProofFacts| proof.ok && folders_of(proof).contains(folder);
    let times = proofs.iter().filter(read_it).map(|proof| proof.at);
    times
        .filter(|at| pack.stored.is_some_and(|stored| stored <= *at))
        .max()
}

/// What a proof read, if it found it right.
fn folders_of(proof: &ProofFacts) -> Folders {
    match (&proof.part, proof.method.as_str()) {
        (Some(part), _) => part.folders,
        (None, method::VERIFY_DATA | method::DRILL) => Folders::all(),
        (None, _) => Folders::default(),
    }
}

/// Since when every byte was read, if these folders are read now; `None` while some never was.
#[must_use]
pub fn since(
    needed: &[Needed],
    proofs: &[ProofFacts],
    reading: &Folders,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut since = now;
    for pack in needed {
        if !reading.contains(Folders::of(&pack.pack)) {
            since = since.min(last_read(pack, proofs)?);
        }
    }
    Some(since)
}

/// When a backup's data was last read, by the names of its proofs.
#[must_use]
pub fn reading(proofs: &[ProofFacts], now: Timestamp) -> Reading {
    let good = proofs.iter().filter(|proof| proof.ok);
    let (mut reading, mut recent) = (Reading::default(), Folders::default());
    let since = now.checked_sub(RECENT).unwrap_or(Timestamp::MIN);
    for proof in good {
        let folders = folders_of(proof);
        if folders.is_empty() {
            continue;
        }
        reading.last = reading.last.max(Some(proof.at));
        reading.since = reading.since.max(complete_since(proof));
        if proof.at >= since {
            recent = recent.union(&folders);
        }
    }
    reading.recent_percent = u8::try_from(recent.len() * 100 / u32::from(Folders::COUNT)).unwrap_or(100);
    reading
}

/// The same of all backups together: since when every byte of each was read, and how much was read lately by their sizes.
#[must_use]
pub fn of_all(backups: &[Backup], now: Timestamp) -> Reading {
    let committed = backups
        .iter()
        .filter(|backup| !matches!(backup.state(), BackupState::Running | BackupState::Incomplete));
    let (mut whole, mut first) = (Reading::default(), true);
    let (mut bytes, mut recent) = (0_u128, 0_u128);
    for backup in committed {
        let one = reading(&backup.proofs, now);
        whole.since = match first {
            true => one.since,
            // None is the least.
            false => whole.since.min(one.since),
        };
        first = false;
        whole.last = whole.last.max(one.last);
        let size = u128::from(backup.summary.counts.bytes.max(1));
        bytes += size;
        recent += size * u128::from(one.recent_percent);
    }
    whole.recent_percent = u8::try_from(recent / bytes.max(1)).unwrap_or(100);
    whole
}

/// Since when every byte was read, by what this proof says.
#[must_use]
pub fn complete_since(proof: &ProofFacts) -> Option<Timestamp> {
    match (&proof.part, proof.method.as_str()) {
        (Some(part), method::VERIFY_SAMPLE | method::VERIFY_OLD) => part.since,
        (None, method::VERIFY_DATA | method::DRILL) => Some(proof.at),
        _ => None,
    }
    .filter(|_| proof.ok)
}

#[cfg(test)]
mod tests {
    use ostler_api::request::Share;
    use ostler_vault::PartRead;
    use ostler_vocabulary::Span;
    use proptest::prelude::*;

    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    fn pack(folder: u8, stored: i64) -> Needed {
        let mut name = [9; 32];
        name[0] = folder;
        Needed {
            pack: PackId(name),
            stored: Some(day(stored)),
        }
    }

    /// Reads a part, as a verification does.
    fn read(part: &Part, needed: &[Needed], proofs: &mut Vec<ProofFacts>, now: i64) -> Folders {
        let folders = choose(part, needed, proofs, day(now));
        let since = since(needed, proofs, &folders, day(now));
        let method = match part {
            Part::Share(_) => method::VERIFY_SAMPLE,
            Part::OlderThan(_) => method::VERIFY_OLD,
        };
        proofs.push(ProofFacts {
            at: day(now),
            method: method.to_owned(),
            ok: true,
            part: Some(PartRead { folders, since }),
        });
        folders
    }

    fn share(text: &str) -> Part {
        Part::Share(text.parse::<Share>().unwrap())
    }

    proptest! {
        #[test]
        fn so_many_runs_as_there_are_parts_read_everything(
            per_ten_thousand in 1_u32..=10_000,
            folders in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let part = share(&format!("{}%", f64::from(per_ten_thousand) / 100.0));
            let needed: Vec<Needed> = folders.iter().map(|folder| pack(*folder, 0)).collect();
            let mut proofs = Vec::new();
            let runs = 10_000_u32.div_ceil(per_ten_thousand);
            let mut all = Folders::default();
            for run in 1..=i64::from(runs) {
                let before = all;
                let folders = read(&part, &needed, &mut proofs, run);
                // Never again before all was read.
                let again = (0..=255).any(|folder| before.contains(folder) && folders.contains(folder));
                prop_assert!(!again || before.union(&folders).len() == 256);
                all = all.union(&folders);
                if all.len() == 256 {
                    break;
                }
            }
            prop_assert!(all.len() == 256 || needed.iter().all(|pack| all.contains(Folders::of(&pack.pack))));
            prop_assert!(complete_since(proofs.last().unwrap()).is_some());
        }
    }

    #[test]
    fn a_run_reads_something_even_of_a_small_backup() {
        let needed = [pack(200, 0)];
        let mut proofs = Vec::new();
        let folders = read(&share("1%"), &needed, &mut proofs, 1);
        assert!(folders.contains(200));
        assert_eq!(complete_since(&proofs[0]), Some(day(1)));
    }

    #[test]
    fn what_was_written_anew_counts_as_unread() {
        let mut needed = vec![pack(10, 0), pack(200, 0)];
        let mut proofs = Vec::new();
        read(&share("50%"), &needed, &mut proofs, 1);
        assert_eq!(complete_since(&proofs[0]), None);
        // A collection moved it to where was read before.
        needed[1] = pack(20, 2);
        read(&share("50%"), &needed, &mut proofs, 3);
        assert_eq!(complete_since(&proofs[1]), None);
        read(&share("50%"), &needed, &mut proofs, 4);
        assert_eq!(
            complete_since(&proofs[2]),
            Some(day(3)),
            "the first was read in the run before"
        );
    }

    #[test]
    fn by_age_only_what_is_older_is_read() {
        let needed = [pack(1, 0), pack(2, 0), pack(3, 50)];
        let mut proofs = Vec::new();
        let older = Part::OlderThan("30d".parse::<Span>().unwrap());
        let folders = read(&older, &needed, &mut proofs, 60);
        assert_eq!(folders.len(), 2);
        assert_eq!(complete_since(&proofs[0]), None, "the third was never read");
        assert_eq!(read(&older, &needed, &mut proofs, 70).len(), 0);
        assert_eq!(read(&older, &needed, &mut proofs, 81).len(), 1);
        assert_eq!(complete_since(&proofs[2]), Some(day(60)));
        let reading = reading(&proofs, day(91));
        assert_eq!((reading.since, reading.last), (Some(day(60)), Some(day(81))));
        assert_eq!(reading.recent_percent, 0);
    }

    #[test]
    fn a_part_that_was_found_wrong_is_not_read() {
        let needed = [pack(0, 0), pack(1, 0)];
        let mut proofs = Vec::new();
        read(&share("100%"), &needed, &mut proofs, 1);
        proofs[0].ok = false;
        assert_eq!(reading(&proofs, day(2)), Reading::default());
        let part = PartRead {
            folders: Folders::default(),
            since: None,
        };
        assert_eq!(since(&needed, &proofs, &part.folders, day(2)), None);
    }
}
