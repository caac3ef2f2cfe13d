//! What holds for all rules and backups.

use std::time::Duration;

use ostler_api::document::BackupState::{self, Complete, Damaged, Incomplete, Partial, Running, Verified};
use ostler_api::request::Keep;
use ostler_vocabulary::Span;
use proptest::prelude::*;

use super::super::decide;
use super::{keep, now};
use crate::sample::backup;
use crate::state::Backup;

fn any_state() -> impl Strategy<Value = BackupState> {
    prop_oneof![
        Just(Complete),
        Just(Verified),
        Just(Partial),
        Just(Damaged),
        Just(Incomplete),
        Just(Running)
    ]
}

fn any_backups() -> impl Strategy<Value = Vec<Backup>> {
    let one = (any_state(), 0..3u8, 0..20_000_000u64, any::<bool>());
    proptest::collection::vec(one, 0..40).prop_map(|all| {
        all.into_iter()
            .zip(1u8..)
            .map(|((state, source, age, held), n)| {
                let started = now() + Duration::from_secs(1_000_000) - Duration::from_secs(age);
                let one = backup(n, state, &format!("/{source}"), &started.to_string());
                if held { one.held("") } else { one }
            })
            .collect()
    })
}

fn any_keep() -> impl Strategy<Value = Keep> {
    let count = || proptest::option::weighted(0.3, 0..5u32);
    (
        (count(), count(), count()),
        (count(), count(), count()),
        proptest::option::weighted(0.2, 0..5_000_000u64),
        proptest::option::of(1..4u32),
    )
        .prop_map(
            |((last, hourly, daily), (weekly, monthly, yearly), within, min_keep)| Keep {
                last,
                hourly,
                daily,
                weekly,
                monthly,
                yearly,
                within: within.map(|s| Span(Duration::from_secs(s))),
                min_keep,
                ..keep()
            },
        )
}

proptest! {
    #[test]
    fn rules_never_take_the_last_good_backup_nor_a_held_one(backups in any_backups(), keep in any_keep()) {
        let all: Vec<&Backup> = backups.iter().collect();
        let Ok(decisions) = decide(&all, &keep, &[], now()) else { return Ok(()) };
        prop_assert_eq!(decisions.len(), backups.len());
        for path in ["alpha:/0", "alpha:/1", "alpha:/2"] {
            let group: Vec<_> = decisions.iter().filter(|d| d.group == path).collect();
            let good = group.iter().filter(|d| d.state.is_good()).count();
            let kept = group.iter().filter(|d| d.state.is_good() && d.keep).count();
            let floor = keep.min_keep.unwrap_or(1) as usize;
            prop_assert!(kept >= good.min(floor), "{} of {}", kept, good);
            if let Some(newest) = group.iter().find(|d| d.state == Verified) {
                prop_assert!(newest.keep, "the newest verified goes");
            }
        }
        for d in &decisions {
            let held = backups.iter().any(|b| b.id() == d.backup && b.hold.is_some());
            prop_assert!(d.keep || !held);
            prop_assert!(d.keep || d.state != Running);
            prop_assert!(!d.reasons.is_empty());
        }
    }

    #[test]
    fn applying_a_decision_and_deciding_again_deletes_no_more(backups in any_backups(), keep in any_keep()) {
        let all: Vec<&Backup> = backups.iter().collect();
        let Ok(decisions) = decide(&all, &keep, &[], now()) else { return Ok(()) };
        let left: Vec<&Backup> = backups
            .iter()
            .filter(|b| decisions.iter().any(|d| d.keep && d.backup == b.id()))
            .collect();
        let again = decide(&left, &keep, &[], now()).unwrap();
        prop_assert!(again.iter().all(|d| d.keep));
    }
}
