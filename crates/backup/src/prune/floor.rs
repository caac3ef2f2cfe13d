//! What stays when backups are deleted by name: of each source so many good ones, and the newest verified one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::document::BackupState;
use ostler_vocabulary::BackupId;

use crate::select::group;
use crate::state::Backup;

/// Those of `named` that a floor keeps, each with the reason. Sources are told apart by host and paths. Held and unheld,
/// verified and complete ones count alike as good; partial, damaged and interrupted ones are no concern of floors.
pub(super) fn kept(all: &[Backup], named: &[BackupId], min_keep: Option<u32>) -> BTreeMap<BackupId, String> {
    let named: BTreeSet<BackupId> = named.iter().copied().collect();
    let floor = min_keep.unwrap_or(1) as usize;
    let mut groups: BTreeMap<String, Vec<&Backup>> = BTreeMap::new();
    for backup in all.iter().filter(|b| b.state().is_good()) {
        groups
            .entry(group(&backup.summary, &[]))
            .or_default()
            .push(backup);
    }
    let mut kept = BTreeMap::new();
    for (source, mut good) in groups {
        good.sort_by_key(|b| std::cmp::Reverse((b.summary.started, b.id())));
        let (going, staying): (Vec<&Backup>, Vec<&Backup>) =
            good.iter().partition(|b| named.contains(&b.id()));
        if staying.len() < floor {
            let reason = match staying.len() {
                0 => format!("no good backup of {source} would be left"),
                n => format!("{n} good of {source} would be left, fewer than min_keep {floor}"),
            };
            // The newest ones are the ones to miss.
            for backup in going.iter().take(floor - staying.len()) {
                kept.insert(backup.id(), reason.clone());
            }
        }
        if let Some(verified) = good.iter().find(|b| b.state() == BackupState::Verified)
            && named.contains(&verified.id())
        {
            kept.entry(verified.id())
                .or_insert_with(|| format!("it is the newest verified one of {source}"));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::kept;
    use crate::sample::{backup, id};
    use ostler_api::document::BackupState::{Complete, Damaged, Partial, Verified};

    #[test]
    fn floors_keep_the_last_good_ones_of_each_source_and_the_newest_verified_one() {
        let all = [
            backup(7, Partial, "/data", "2026-11-07T00:00:00Z"),
            backup(6, Complete, "/data", "2026-11-06T00:00:00Z"),
            backup(5, Verified, "/data", "2026-11-05T00:00:00Z"),
            backup(4, Verified, "/data", "2026-11-04T00:00:00Z"),
            backup(3, Damaged, "/data", "2026-11-03T00:00:00Z"),
            backup(2, Complete, "/other", "2026-11-02T00:00:00Z"),
        ];
        type Case<'a> = (&'a [u8], Option<u32>, &'a [(u8, &'a str)]);
        let cases: [Case<'_>; 7] = [
            (&[6, 4, 7, 3], None, &[]),
            (&[5], None, &[(5, "it is the newest verified one of alpha:/data")]),
            (&[2], None, &[(2, "no good backup of alpha:/other would be left")]),
            (
                &[6, 5, 4],
                None,
                &[
                    (5, "it is the newest verified one of alpha:/data"),
                    (6, "no good backup of alpha:/data would be left"),
                ],
            ),
            (&[4], Some(2), &[]),
            (
                &[6, 4],
                Some(2),
                &[(6, "1 good of alpha:/data would be left, fewer than min_keep 2")],
            ),
            (
                &[4, 2],
                Some(9),
                &[
                    (2, "no good backup of alpha:/other would be left"),
                    (4, "2 good of alpha:/data would be left, fewer than min_keep 9"),
                ],
            ),
        ];
        for (named, min_keep, expected) in cases {
            let named: Vec<_> = named.iter().map(|n| id(*n)).collect();
            let found: Vec<_> = kept(&all, &named, min_keep).into_iter().collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, why)| (id(*n), (*why).to_owned()))
                .collect();
            assert_eq!(found, expected, "{named:?} {min_keep:?}");
        }
    }
}
