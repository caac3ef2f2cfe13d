//! Whether what a plan wants deleted may still be deleted. The set can shrink and never grow. Pure.

use ostler_api::document::BackupState;
use ostler_api::request::{Decision, Prune, Request};
use ostler_vocabulary::{BackupId, Timestamp};

use super::{Allowed, floor};
use crate::state::Backup;
use crate::{Error, keep, select};

/// How the plan's set is worked out again.
#[derive(Debug, Clone)]
pub(super) enum Evaluation {
    /// By the same rules at the time the plan was made.
    Rules(Box<Prune>, Timestamp),
    /// The names are what they were, and floors hold, or nobody wants them to.
    Named {
        ids: Vec<BackupId>,
        min_keep: Option<u32>,
        below_floors: bool,
    },
}

impl Evaluation {
    pub(super) fn of(request: Request, made: Timestamp, ids: Vec<BackupId>) -> Result<Self, Error> {
        match request {
            Request::Prune(prune) => Ok(Self::Rules(Box::new(prune), made)),
            Request::Delete(delete) => Ok(Self::Named {
                ids,
                min_keep: delete.min_keep,
                below_floors: delete.below_floors,
            }),
            _ => Err(Error::Plan {
                reason: "it is not one of a deletion".to_owned(),
            }),
        }
    }

    /// What rules and floors let be deleted now; `None` when there are none to ask.
    pub(super) fn allowed(&self, now: &[Backup]) -> Result<Option<Allowed>, Error> {
        let (prune, made) = match self {
            Self::Rules(prune, made) => (prune, made),
            Self::Named {
                below_floors: true, ..
            } => return Ok(None),
            Self::Named { ids, min_keep, .. } => {
                let kept = floor::kept(now, ids, *min_keep);
                return Ok(Some(
                    ids.iter().filter(|id| !kept.contains_key(*id)).copied().collect(),
                ));
            }
        };
        let looked_at = match select::matching(now, &prune.filter) {
            Ok(looked_at) => looked_at,
            // All that the plan looked at is gone.
            Err(Error::NoMatch { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let decisions = match keep::decide(&looked_at, &prune.keep, &prune.group_by, *made) {
            Ok(decisions) => decisions,
            Err(Error::NoSuchTag { .. }) if looked_at.is_empty() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Some(
            decisions
                .into_iter()
                .filter(|d| !d.keep)
                .map(|d| d.backup)
                .collect(),
        ))
    }
}

/// Why a planned deletion must not be done any more.
pub(super) fn objection(decision: &Decision, now: &[Backup], allowed: Option<&Allowed>) -> Option<String> {
    let Some(backup) = now.iter().find(|b| b.id() == decision.backup) else {
        return Some("it is gone already".to_owned());
    };
    if let Some(hold) = &backup.hold {
        let why = hold
            .reason
            .as_deref()
            .map(|r| format!(": {r}"))
            .unwrap_or_default();
        return Some(format!("it is held{why}"));
    }
    if backup.state() != decision.state {
        return Some(format!(
            "it was {} when the plan was made and is {} now",
            decision.state.as_str(),
            backup.state().as_str()
        ));
    }
    if allowed.is_some_and(|allowed| !allowed.contains(&decision.backup)) {
        return Some("a rule or a floor keeps it now".to_owned());
    }
    None
}

/// The same just before the deletion, perhaps by another process than the one that evaluated it: a backup that is gone
/// or has lost its commit record was being deleted by this very operation.
pub(super) fn late_objection(decision: &Decision, now: &[Backup]) -> Option<String> {
    let backup = now.iter().find(|b| b.id() == decision.backup)?;
    if backup.state() == BackupState::Incomplete {
        return None;
    }
    objection(decision, now, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{backup, id};
    use ostler_api::request::Keep;

    fn decision(n: u8, state: BackupState) -> Decision {
        Decision {
            backup: id(n),
            name: None,
            started: Timestamp::UNIX_EPOCH,
            group: String::new(),
            state,
            keep: false,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn what_changed_since_the_plan_is_refused_one_by_one() {
        let now = [
            backup(4, BackupState::Complete, "/data", "2026-11-04T00:00:00Z"),
            backup(3, BackupState::Verified, "/data", "2026-11-03T00:00:00Z"),
            backup(2, BackupState::Complete, "/data", "2026-11-02T00:00:00Z").held("audit"),
            backup(1, BackupState::Complete, "/data", "2026-11-01T00:00:00Z"),
        ];
        let rules = Prune {
            keep: Keep {
                last: Some(1),
                ..Keep::default()
            },
            ..Prune::default()
        };
        let made = "2026-11-05T00:00:00Z".parse().unwrap();
        let allowed = Evaluation::of(Request::Prune(rules), made, Vec::new())
            .unwrap()
            .allowed(&now)
            .unwrap();
        let asked = |n, state| objection(&decision(n, state), &now, allowed.as_ref());
        assert_eq!(asked(1, BackupState::Complete), None);
        assert_eq!(
            asked(2, BackupState::Complete).as_deref(),
            Some("it is held: audit")
        );
        assert_eq!(
            asked(3, BackupState::Complete).as_deref(),
            Some("it was complete when the plan was made and is verified now")
        );
        assert_eq!(
            asked(3, BackupState::Verified).as_deref(),
            Some("a rule or a floor keeps it now")
        );
        assert_eq!(
            asked(4, BackupState::Complete).as_deref(),
            Some("a rule or a floor keeps it now")
        );
        assert_eq!(
            asked(9, BackupState::Complete).as_deref(),
            Some("it is gone already")
        );
    }

    #[test]
    fn a_half_done_deletion_goes_on() {
        let now = [backup(
            1,
            BackupState::Incomplete,
            "/data",
            "2026-11-04T00:00:00Z",
        )];
        assert_eq!(late_objection(&decision(1, BackupState::Complete), &now), None);
        assert_eq!(late_objection(&decision(2, BackupState::Complete), &now), None);
    }
}
