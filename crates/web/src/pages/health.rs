//! What is wrong with the backups of a source, and the cure: a pure function.

use std::time::Duration;

use ostler_api::document::{BackupState, BackupSummary};
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::{ago, plural};

use super::frame::Tone;

/// A good backup may be so old where no habit can be seen yet.
const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// Data has to be read back so often.
const PROOF: Duration = Duration::from_secs(30 * 86_400);
/// Good backups from which a habit is told.
const HABIT: usize = 4;
/// What is never late, however often backups are made.
const SHORTEST: Duration = Duration::from_secs(26 * 3_600);

/// How a source is looked after.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Health<'a> {
    pub tone: Tone,
    /// The newest that can be restored.
    pub last_good: Option<&'a BackupSummary>,
    /// When data of any was last read back without a fault.
    pub proven: Option<Timestamp>,
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub tone: Tone,
    pub text: String,
    pub cure: Cure,
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    BackUp,
    Drill,
    LookAtNewest,
    LookAtOperations,
}

/// Judges the backups of one source, newest first.
pub(super) fn judge<'a>(backups: &[&'a BackupSummary], now: Timestamp) -> Health<'a> {
    let last_good = backups.iter().copied().find(|backup| backup.state.is_good());
    let proven = backups.iter().filter_map(|backup| backup.verified).max();
    let mut findings = Vec::new();
    let mut find = |tone, text: String, cure| findings.push(Finding { tone, text, cure });
    if let Some(newest) = backups.iter().find(|backup| backup.state != BackupState::Running) {
        let when = ago(now, newest.started);
        match newest.state {
            BackupState::Damaged => find(
                Tone::Bad,
                format!("The newest backup, of {when}, is damaged."),
                Cure::BackUp,
            ),
            BackupState::Incomplete => find(
                Tone::Doubtful,
                format!("The newest attempt, of {when}, did not come to its end."),
                Cure::LookAtOperations,
            ),
            BackupState::Partial => find(
                Tone::Doubtful,
                format!(
                    "The newest backup lacks {}.",
                    plural(newest.counts.problems, "file")
                ),
                Cure::LookAtNewest,
            ),
            BackupState::Running | BackupState::Complete | BackupState::Verified => {}
        }
    }
    match last_good {
        None if backups.iter().all(|backup| backup.state == BackupState::Running) => {}
        None => find(Tone::Bad, "No backup of it is whole.".to_owned(), Cure::BackUp),
        Some(good) => {
            let due = due_after(backups);
            if age(now, good.started) > due {
                find(
                    Tone::Doubtful,
                    format!("The last good backup is of {}.", ago(now, good.started)),
                    Cure::BackUp,
                );
            }
            match proven {
                None => find(
                    Tone::Doubtful,
                    "No backup of it was ever read back.".to_owned(),
                    Cure::Drill,
                ),
                Some(proven) if age(now, proven) > PROOF => find(
                    Tone::Doubtful,
                    format!("Its data was last read back {}.", ago(now, proven)),
                    Cure::Drill,
                ),
                Some(_) => {}
            }
        }
    }
    Health {
        tone: findings
            .iter()
            .map(|finding| finding.tone)
            .max()
            .unwrap_or(Tone::Good),
        last_good,
        proven,
        findings,
    }
}

/// After how long another backup is missed: twice the usual distance of the last few.
fn due_after(backups: &[&BackupSummary]) -> Duration {
    let good: Vec<Timestamp> = backups
        .iter()
        .filter(|backup| backup.state.is_good())
        .take(10)
        .map(|backup| backup.started)
        .collect();
    if good.len() < HABIT {
        return PATIENCE;
    }
    let mut gaps: Vec<Duration> = good.windows(2).map(|pair| age(pair[0], pair[1])).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(PATIENCE);
    (usual * 2).max(SHORTEST)
}

fn age(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(now.as_second().saturating_sub(then.as_second())).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use ostler_api::document::{BackupCounts, BackupState, BackupSummary};
    use ostler_vocabulary::{BackupId, Timestamp};

    use super::{Cure, Tone, judge};

    const NOW: i64 = 1_795_255_200;

    fn backup(hours: i64, state: BackupState, verified: Option<i64>) -> BackupSummary {
        let at = |hours: i64| Timestamp::from_second(NOW - hours * 3600).unwrap();
        BackupSummary {
            id: BackupId::from_bytes([1; 16]),
            vault: "default".into(),
            name: None,
            state,
            source: None,
            started: at(hours),
            duration_ms: 1,
            counts: BackupCounts {
                problems: 2,
                ..BackupCounts::default()
            },
            tags: Default::default(),
            held: false,
            verified: verified.map(at),
        }
    }

    fn judged(backups: &[BackupSummary]) -> (Tone, Vec<Cure>) {
        let health = judge(
            &backups.iter().collect::<Vec<_>>(),
            Timestamp::from_second(NOW).unwrap(),
        );
        (health.tone, health.findings.iter().map(|one| one.cure).collect())
    }

    #[test]
    fn each_trouble_has_its_cure() {
        use BackupState::{Complete, Damaged, Incomplete, Partial, Running, Verified};
        let good = || backup(30, Verified, Some(20));
        for (what, backups, expected) in [
            ("all is well", vec![good()], (Tone::Good, vec![])),
            (
                "never proven",
                vec![backup(1, Complete, None)],
                (Tone::Doubtful, vec![Cure::Drill]),
            ),
            (
                "proven long ago",
                vec![backup(1, Verified, Some(24 * 31))],
                (Tone::Doubtful, vec![Cure::Drill]),
            ),
            (
                "old",
                vec![backup(24 * 8, Verified, Some(1))],
                (Tone::Doubtful, vec![Cure::BackUp]),
            ),
            (
                "damaged",
                vec![backup(1, Damaged, None), good()],
                (Tone::Bad, vec![Cure::BackUp]),
            ),
            (
                "partial",
                vec![backup(1, Partial, None), good()],
                (Tone::Doubtful, vec![Cure::LookAtNewest]),
            ),
            (
                "broken off",
                vec![backup(1, Incomplete, None), good()],
                (Tone::Doubtful, vec![Cure::LookAtOperations]),
            ),
            (
                "at work",
                vec![backup(0, Running, None), good()],
                (Tone::Good, vec![]),
            ),
            (
                "the first one",
                vec![backup(0, Running, None)],
                (Tone::Good, vec![]),
            ),
            (
                "only a partial one",
                vec![backup(1, Partial, None)],
                (Tone::Bad, vec![Cure::LookAtNewest, Cure::BackUp]),
            ),
        ] {
            assert_eq!(judged(&backups), expected, "{what}");
        }
    }

    #[test]
    fn who_backs_up_nightly_misses_the_second_night() {
        let nightly = |last: i64| -> Vec<_> {
            (0..6)
                .map(|n| backup(last + 24 * n, BackupState::Verified, Some(1)))
                .collect()
        };
        assert_eq!(judged(&nightly(40)), (Tone::Good, vec![]));
        assert_eq!(judged(&nightly(50)), (Tone::Doubtful, vec![Cure::BackUp]));
    }
}
