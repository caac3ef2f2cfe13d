//! Holds and tags, which follow their backup into the other vault. Only what keeps a backup goes there: that something
//! was released, or a tag removed, in one vault lets nothing go in the other.

use std::collections::BTreeMap;

use ostler_api::request::MirrorItem;
use ostler_vault::{MarkAction, MarkRecord};
use ostler_vocabulary::{BackupId, Failure, Timestamp};
use serde::{Deserialize, Serialize};

use super::copy::Copy;
use crate::Context;
use crate::state::Backup;

/// What is said of a backup `here` and has to be said `there` too; both oldest first. What was said there later about the
/// same counts. Nothing of the future is taken over: nobody could take it back.
pub(super) fn missing(here: &[MarkRecord], there: &[MarkRecord], now: Timestamp) -> Vec<MarkRecord> {
    let mut newest: BTreeMap<Option<&str>, &MarkRecord> = BTreeMap::new();
    for mark in here.iter().filter(|mark| mark.at <= now) {
        if let Some(about) = about(mark) {
            newest.insert(about, mark);
        }
    }
    let is_said = |mark: &MarkRecord| {
        there
            .iter()
            .any(|other| about(other) == about(mark) && other.at >= mark.at)
    };
    newest
        .into_values()
        .filter(|mark| keeps(mark) && !is_said(mark))
        .cloned()
        .collect()
}

/// What a mark is about: a tag, or (`None`) whether the backup is held.
fn about(mark: &MarkRecord) -> Option<Option<&str>> {
    match &mark.action {
        MarkAction::Hold(_) | MarkAction::Release => Some(None),
        MarkAction::Tag { key, .. } => Some(Some(key)),
        MarkAction::Delete | MarkAction::Revoke => None,
    }
}

fn keeps(mark: &MarkRecord) -> bool {
    matches!(
        mark.action,
        MarkAction::Hold(_) | MarkAction::Tag { value: Some(_), .. }
    )
}

/// How the step that copies them ended.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Marked {
    /// The copies that were marked.
    pub(super) copies: Vec<BackupId>,
}

/// Marks copies that were there before.
pub(super) async fn follow(items: &[MirrorItem], from: &Context, to: &Context) -> Result<Marked, Failure> {
    let (here, there) = (from.backups().await?, to.backups().await?);
    let of = |all: &[Backup], id: BackupId| all.iter().find(|b| b.id() == id).map(|b| b.marks.clone());
    let mut marked = Marked::default();
    for item in items {
        // Deleted since it was planned.
        let (Some(said), Some(known)) = (of(&here, item.backup), of(&there, item.copy)) else {
            continue;
        };
        let missing = missing(&said, &known, to.now());
        if missing.is_empty() {
            continue;
        }
        mark(to, item.copy, &missing).await?;
        marked.copies.push(item.copy);
    }
    Ok(marked)
}

async fn mark(to: &Context, copy: BackupId, marks: &[MarkRecord]) -> Result<(), Failure> {
    for mark in marks {
        let marked = to.vault.add_mark(copy, mark).await;
        marked.map_err(to.attempting(format_args!("mark backup {}", copy.short())))?;
    }
    Ok(())
}

impl Copy<'_> {
    /// Marks a copy that was committed just now.
    pub(super) async fn follow_marks(&self) -> Result<(), Failure> {
        let here = self.ledger.here(self.from).await?;
        let source = here.iter().find(|backup| backup.id() == self.item.backup);
        let said = source.map_or(&[][..], |backup| &backup.marks);
        mark(self.to, self.item.copy, &missing(said, &[], self.to.now())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: i64, action: MarkAction) -> MarkRecord {
        let at = Timestamp::from_second(at).unwrap();
        MarkRecord { at, action }
    }

    fn hold(at: i64, reason: &str) -> MarkRecord {
        mark(at, MarkAction::Hold(Some(reason.into())))
    }

    fn release(at: i64) -> MarkRecord {
        mark(at, MarkAction::Release)
    }

    fn tag(at: i64, key: &str, value: Option<&str>) -> MarkRecord {
        let (key, value) = (key.into(), value.map(Into::into));
        mark(at, MarkAction::Tag { key, value })
    }

    #[test]
    fn what_keeps_follows_and_what_lets_go_does_not() {
        let now = Timestamp::from_second(100).unwrap();
        let all = [
            tag(1, "job", Some("a")),
            hold(2, "audit"),
            release(3),
            tag(4, "job", Some("b")),
            hold(5, "court"),
        ];
        let both = [hold(5, "court"), tag(4, "job", Some("b"))];
        assert_eq!(missing(&all, &[], now), both);
        // Twice is once.
        assert_eq!(missing(&all, &both, now), []);
        // Released here: what is held there stays so.
        assert_eq!(missing(&[hold(2, "audit"), release(3)], &[], now), []);
        assert_eq!(
            missing(&[tag(1, "job", None)], &[tag(0, "job", Some("a"))], now),
            []
        );
        // Released there later: that counts there.
        assert_eq!(missing(&[hold(2, "audit")], &[release(3)], now), []);
        // Held again here, later still.
        assert_eq!(
            missing(&[hold(4, "audit")], &[hold(2, "audit"), release(3)], now),
            [hold(4, "audit")]
        );
        // Nobody could release it.
        assert_eq!(
            missing(&[hold(2, "audit"), hold(1000, "for ever")], &[], now),
            [hold(2, "audit")]
        );
        // That it is being deleted concerns one vault.
        assert_eq!(missing(&[mark(2, MarkAction::Delete)], &[], now), []);
    }
}
