//! Where a backup stands: derived from the objects of the vault and from whether its maker is alive. Pure.

use std::collections::BTreeMap;

use ostler_api::document::{BackupCounts, BackupState, BackupSummary, Source};
use ostler_vault::{CatalogueEntry, Counts, Intent, MarkAction, MarkRecord, ProofFacts};
use ostler_vocabulary::{BackupId, OperationId, Timestamp};

use crate::rotation::complete_since;

/// How a proof was made, as it is stored with the backup.
pub mod method {
    /// The commit record and file list were read back after the commit.
    pub const COMMIT: &str = "commit";
    /// Presence and size of every object.
    pub const VERIFY: &str = "verify";
    /// Every byte read, decrypted and checked.
    pub const VERIFY_DATA: &str = "verify_data";
    /// A share of the data read, decrypted and checked, the next one each time.
    pub const VERIFY_SAMPLE: &str = "verify_sample";
    /// What was not read for some time read, decrypted and checked.
    pub const VERIFY_OLD: &str = "verify_old";
    /// What some files need, looked up or read.
    pub const VERIFY_PATHS: &str = "verify_paths";
    /// Restored, compared and checked.
    pub const DRILL: &str = "drill";
    /// Part of a check of the whole vault.
    pub const CHECK: &str = "check";
    /// Read from another vault, in full, and stored here.
    pub const MIRROR: &str = "mirror";
    /// A drill in which something failed that does not show that stored data is wrong.
    pub const DRILL_FAILED: &str = "drill_failed";
}

/// That a backup is held, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The reason that was given.
    pub reason: Option<String>,
}

/// A backup as the catalogue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What lists show.
    pub summary: BackupSummary,
    /// Whether no rule may delete it.
    pub hold: Option<Hold>,
    /// What was said of it after it was made, oldest first.
    pub marks: Vec<MarkRecord>,
    /// The operation that makes it, while it is not committed.
    pub operation: Option<OperationId>,
    /// What its proofs say, oldest first.
    pub proofs: Vec<ProofFacts>,
}

impl Backup {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> BackupId {
        self.summary.id
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> BackupState {
        self.summary.state
    }
}

/// The state that proofs and commit give; `alive` says whether whoever makes an uncommitted backup still works.
///
/// Damaged takes a proof that says so and no later proof that read everything and found it right. An unreachable
/// store stores no proof and so damages nothing.
#[must_use]
pub fn derive(entry: &CatalogueEntry, alive: bool) -> BackupState {
    let Some(facts) = &entry.committed else {
        // Its commit record or intent is there, and is not what was written.
        if entry.unreadable.is_some() {
            return BackupState::Damaged;
        }
        return if alive {
            BackupState::Running
        } else {
            BackupState::Incomplete
        };
    };
    let mut state = BackupState::Complete;
    let mut damaged = None;
    for proof in &entry.proofs {
        if is_damage(proof) {
            state = BackupState::Damaged;
            damaged = Some(proof.at);
        } else if complete_since(proof).is_some_and(|since| damaged.is_none_or(|damaged| since > damaged)) {
            state = BackupState::Verified;
        }
    }
    match state {
        BackupState::Damaged => BackupState::Damaged,
        _ if facts.partial => BackupState::Partial,
        other => other,
    }
}

fn is_damage(proof: &ProofFacts) -> bool {
    !proof.ok && proof.method != method::DRILL_FAILED
}

/// What lists show of an entry. `alive` is asked for entries without a commit only.
#[must_use]
pub fn backup(entry: &CatalogueEntry, alive: &dyn Fn(&Intent) -> bool) -> Backup {
    let living = entry.committed.is_none() && entry.intent.as_ref().is_some_and(alive);
    let state = derive(entry, living);
    let (tags, hold) = marked(
        entry
            .committed
            .as_ref()
            .map(|f| f.tags.clone())
            .unwrap_or_default(),
        &entry.marks,
    );
    let intent = entry.intent.as_ref();
    let (name, source, started, duration_ms, counts) = match &entry.committed {
        Some(facts) => (
            facts.name.clone(),
            Some(source(&facts.host, &facts.paths)),
            facts.started,
            facts.duration_ms,
            counts(&facts.counts),
        ),
        None => (
            intent.and_then(|i| i.name.clone()),
            intent.map(|i| source(&i.host, &i.paths)),
            intent.map_or(Timestamp::UNIX_EPOCH, |i| i.started),
            0,
            BackupCounts::default(),
        ),
    };
    Backup {
        summary: BackupSummary {
            id: entry.backup,
            vault: String::new(),
            name,
            state,
            source,
            started,
            duration_ms,
            counts,
            tags,
            held: hold.is_some(),
            verified: entry.proofs.iter().filter_map(complete_since).max(),
        },
        hold,
        marks: entry.marks.clone(),
        proofs: entry.proofs.clone(),
        operation: intent.map(|i| i.operation),
    }
}

/// All entries of a catalogue, newest first.
#[must_use]
pub fn backups(entries: &[CatalogueEntry], alive: &dyn Fn(&Intent) -> bool) -> Vec<Backup> {
    let mut backups: Vec<Backup> = entries.iter().map(|e| backup(e, alive)).collect();
    backups.sort_by_key(|b| std::cmp::Reverse((b.summary.started, b.summary.id)));
    backups
}

fn source(host: &str, paths: &[std::path::PathBuf]) -> Source {
    Source {
        host: host.to_owned(),
        paths: paths.to_vec(),
    }
}

/// The vault's counts as documents show them.
#[must_use]
pub fn counts(counts: &Counts) -> BackupCounts {
    BackupCounts {
        files: counts.files,
        entries: counts.entries,
        bytes: counts.bytes,
        changed_files: counts.changed_files,
        new_bytes: counts.new_bytes,
        stored_bytes: counts.stored_bytes,
        problems: counts.problems,
    }
}

fn marked(
    mut tags: BTreeMap<String, String>,
    marks: &[MarkRecord],
) -> (BTreeMap<String, String>, Option<Hold>) {
    let mut hold = None;
    for mark in marks {
        match &mark.action {
            MarkAction::Hold(reason) => {
                hold = Some(Hold {
                    reason: reason.clone(),
                })
            }
            MarkAction::Release => hold = None,
            MarkAction::Tag {
                key,
                value: Some(value),
            } => {
                tags.insert(key.clone(), value.clone());
            }
            MarkAction::Tag { key, value: None } => {
                tags.remove(key);
            }
            MarkAction::Delete | MarkAction::Revoke => {}
        }
    }
    (tags, hold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_vault::{Facts, Folders, PartRead};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn entry(partial: bool, proofs: &[(&str, bool)]) -> CatalogueEntry {
        CatalogueEntry {
            backup: BackupId::from_bytes([1; 16]),
            committed: Some(Facts {
                started: at(0),
                duration_ms: 1,
                partial,
                host: "alpha".into(),
                paths: vec!["/data".into()],
                name: None,
                tags: BTreeMap::from([("env".into(), "prod".into())]),
                counts: Counts::default(),
            }),
            intent: None,
            unreadable: None,
            proofs: proofs
                .iter()
                .zip(1..)
                .map(|((method, ok), n)| ProofFacts {
                    at: at(n),
                    method: (*method).to_owned(),
                    ok: *ok,
                    part: None,
                })
                .collect(),
            marks: Vec::new(),
        }
    }

    #[test]
    fn states_follow_the_evidence_and_nothing_else() {
        use BackupState::{Complete, Damaged, Partial, Verified};
        type Case<'a> = (bool, &'a [(&'a str, bool)], BackupState);
        let cases: [Case<'_>; 12] = [
            (false, &[], Complete),
            (false, &[("commit", true)], Complete),
            (false, &[("verify", true)], Complete),
            (false, &[("verify_data", true)], Verified),
            (false, &[("drill", true)], Verified),
            (false, &[("verify_data", true), ("verify", false)], Damaged),
            (false, &[("verify_data", false), ("verify", true)], Damaged),
            (false, &[("verify_data", false), ("drill", true)], Verified),
            (false, &[("drill_failed", false)], Complete),
            (false, &[("check", false)], Damaged),
            (true, &[("verify_data", true)], Partial),
            (true, &[("verify_data", false)], Damaged),
        ];
        for (partial, proofs, expected) in cases {
            assert_eq!(
                derive(&entry(partial, proofs), false),
                expected,
                "{partial} {proofs:?}"
            );
        }
    }

    #[test]
    fn parts_verify_a_backup_once_all_of_it_was_read_since_it_was_damaged() {
        let sample = |n, since: Option<i64>| ProofFacts {
            at: at(n),
            method: method::VERIFY_SAMPLE.to_owned(),
            ok: true,
            part: Some(PartRead {
                folders: Folders::default(),
                since: since.map(at),
            }),
        };
        let mut entry = entry(false, &[]);
        entry.proofs = vec![sample(10, None)];
        assert_eq!(derive(&entry, false), BackupState::Complete);
        entry.proofs.push(sample(20, Some(5)));
        assert_eq!(derive(&entry, false), BackupState::Verified);
        assert_eq!(backup(&entry, &|_| false).summary.verified, Some(at(5)));
        entry.proofs.push(ProofFacts {
            ok: false,
            ..sample(30, None)
        });
        entry.proofs.push(sample(40, Some(15)));
        assert_eq!(derive(&entry, false), BackupState::Damaged);
        entry.proofs.push(sample(60, Some(31)));
        assert_eq!(derive(&entry, false), BackupState::Verified);
    }

    #[test]
    fn an_uncommitted_backup_is_running_only_while_its_maker_lives() {
        let mut entry = entry(false, &[]);
        entry.committed = None;
        assert_eq!(derive(&entry, true), BackupState::Running);
        assert_eq!(derive(&entry, false), BackupState::Incomplete);
        entry.unreadable = Some("its bytes are not what was written".into());
        assert_eq!(derive(&entry, false), BackupState::Damaged);
    }

    #[test]
    fn marks_apply_in_order() {
        let mut entry = entry(false, &[]);
        entry.marks = [
            MarkAction::Hold(Some("audit".into())),
            MarkAction::Tag {
                key: "env".into(),
                value: None,
            },
            MarkAction::Tag {
                key: "tier".into(),
                value: Some("1".into()),
            },
            MarkAction::Release,
            MarkAction::Hold(None),
        ]
        .into_iter()
        .zip(0..)
        .map(|(action, n)| MarkRecord { at: at(n), action })
        .collect();
        let backup = backup(&entry, &|_| false);
        assert_eq!(backup.hold, Some(Hold { reason: None }));
        assert_eq!(backup.summary.tags, BTreeMap::from([("tier".into(), "1".into())]));
    }
}
