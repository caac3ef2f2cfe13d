//! Backups for unit tests.

use ostler_api::document::{BackupCounts, BackupState, BackupSummary, Source};
use ostler_vocabulary::BackupId;

use crate::state::{Backup, Hold};

pub(crate) fn id(n: u8) -> BackupId {
    BackupId::from_bytes([n; 16])
}

pub(crate) fn backup(n: u8, state: BackupState, path: &str, started: &str) -> Backup {
    Backup {
        summary: BackupSummary {
            id: id(n),
            vault: String::new(),
            name: None,
            state,
            source: Some(Source {
                host: "alpha".into(),
                paths: vec![path.into()],
            }),
            started: started.parse().unwrap(),
            duration_ms: 1000,
            counts: BackupCounts::default(),
            tags: Default::default(),
            held: false,
            verified: None,
        },
        hold: None,
        marks: Vec::new(),
        operation: None,
        proofs: Vec::new(),
    }
}

impl Backup {
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.summary.name = Some(name.into());
        self
    }

    pub(crate) fn tagged(mut self, key: &str, value: &str) -> Self {
        self.summary.tags.insert(key.into(), value.into());
        self
    }

    pub(crate) fn held(mut self, reason: &str) -> Self {
        self.summary.held = true;
        self.hold = Some(Hold {
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
        });
        self
    }
}
