//! Which backups are copied. Pure.

use std::collections::BTreeMap;

use ostler_api::document::{BackupState, Problem};
use ostler_api::request::Mirror;

use crate::state::Backup;
use crate::{Error, select};

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen<'a> {
    pub(super) chosen: Vec<&'a Backup>,
    /// Those of a set that cannot be copied whole, with the reason.
    pub(super) refused: Vec<Problem>,
}

/// Chooses. `backups` are newest first. What is named must be copyable; of sets, what is not is left out and named.
pub(super) fn choose<'a>(request: &Mirror, backups: &'a [Backup]) -> Result<Chosen<'a>, Error> {
    let malformed = |reason: &str| {
        Err(Error::Malformed {
            what: "what is to be copied".to_owned(),
            reason: reason.to_owned(),
        })
    };
    let ways = usize::from(!request.backups.is_empty())
        + usize::from(request.latest.is_some())
        + usize::from(request.all);
    match ways {
        0 => return malformed("is not said: name backups, or say --latest N or --all"),
        1 => {}
        _ => return malformed("is said in more than one way: name backups, or say --latest N or --all"),
    }
    let mut chosen: Vec<&Backup> = Vec::new();
    let mut refused = Vec::new();
    for selector in &request.backups {
        let backup = select::resolve(backups, selector, &request.filter)?;
        if let Some(reason) = objection(backup) {
            return Err(Error::State {
                id: backup.id(),
                state: backup.state(),
                reason,
                hint: "`ostler backup list` shows which are complete",
            });
        }
        if !chosen.iter().any(|other| other.id() == backup.id()) {
            chosen.push(backup);
        }
    }
    if request.backups.is_empty() {
        let matching = select::matching(backups, &request.filter)?;
        let mut taken: BTreeMap<String, u32> = BTreeMap::new();
        for backup in matching {
            match (request.latest, objection(backup)) {
                (Some(latest), None) if backup.state().is_good() => {
                    let taken = taken.entry(select::group(&backup.summary, &[])).or_default();
                    if *taken < latest {
                        *taken += 1;
                        chosen.push(backup);
                    }
                }
                (Some(_), _) => {}
                (None, None) => chosen.push(backup),
                (None, Some(reason)) => refused.push(Problem {
                    path: backup.id().short(),
                    reason: format!("it is {}: {reason}", backup.state().as_str()),
                }),
            }
        }
    }
    Ok(Chosen { chosen, refused })
}

/// Why a backup cannot be copied whole.
fn objection(backup: &Backup) -> Option<&'static str> {
    match backup.state() {
        BackupState::Running | BackupState::Incomplete => Some("it is not committed"),
        BackupState::Damaged => Some("what is missing or wrong cannot be copied"),
        BackupState::Partial | BackupState::Complete | BackupState::Verified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::backup;
    use ostler_vocabulary::{Classified, ErrorKind};

    fn catalogue() -> Vec<Backup> {
        vec![
            backup(9, BackupState::Incomplete, "/data", "2026-11-20T09:00:00Z"),
            backup(8, BackupState::Partial, "/data", "2026-11-20T08:00:00Z"),
            backup(7, BackupState::Complete, "/data", "2026-11-20T07:00:00Z").named("nightly"),
            backup(6, BackupState::Damaged, "/data", "2026-11-20T06:00:00Z"),
            backup(5, BackupState::Verified, "/data", "2026-11-20T05:00:00Z"),
            backup(4, BackupState::Complete, "/srv", "2026-11-20T04:00:00Z"),
        ]
    }

    fn chosen(request: &Mirror) -> Result<(Vec<u8>, usize), Error> {
        let backups = catalogue();
        let Chosen { chosen, refused } = choose(request, &backups)?;
        let first = |backup: &&Backup| backup.id().as_bytes()[0];
        Ok((chosen.iter().map(first).collect(), refused.len()))
    }

    #[test]
    fn sets_and_names_choose_what_can_be_copied() {
        let all = Mirror {
            all: true,
            ..Mirror::default()
        };
        assert_eq!(chosen(&all).unwrap(), (vec![8, 7, 5, 4], 2));
        let latest = Mirror {
            latest: Some(1),
            ..Mirror::default()
        };
        assert_eq!(chosen(&latest).unwrap(), (vec![7, 4], 0));
        let named = |name: &str| Mirror {
            backups: vec![name.to_owned()],
            ..Mirror::default()
        };
        assert_eq!(chosen(&named("nightly")).unwrap(), (vec![7], 0));
        assert_eq!(chosen(&named("06060606")).unwrap_err().kind(), ErrorKind::Refused);
        assert_eq!(chosen(&named("weekly")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(chosen(&Mirror::default()).unwrap_err().kind(), ErrorKind::Invalid);
        let both = Mirror {
            all: true,
            latest: Some(2),
            ..Mirror::default()
        };
        assert_eq!(chosen(&both).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
