//! What a look at a vault or a database saw, as it is recorded.

use std::collections::BTreeMap;

use ostler_api::document::{BackupSummary, ConsumerSummary, QueueStatus, Reading, Source, VaultInfo};
use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

/// A look, whether something was seen or not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    /// At what: `vault` or `database`, and its name.
    pub kind: Kind,
    pub name: String,
    /// When it ended.
    pub at: Timestamp,
    pub took_ms: u64,
    /// Why nothing was seen.
    pub failure: Option<String>,
    /// What was seen; of the last look that saw something, when this one did not.
    pub seen: Option<Seen>,
    /// When that was.
    pub seen_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Vault,
    Database,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Database => "database",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Seen {
    Vault(SeenVault),
    Database(SeenDatabase),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SeenVault {
    /// Bytes in the store.
    pub stored_bytes: u64,
    pub packs: u64,
    pub chunks: u64,
    /// How many backups by state.
    pub backups: BTreeMap<String, u64>,
    /// Every byte was read at this time or later.
    pub read_since: Option<Timestamp>,
    pub sources: Vec<SeenSource>,
}

/// The backups of one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SeenSource {
    pub host: String,
    pub paths: String,
    /// How many can be restored.
    pub good: u64,
    /// When the newest of them was begun: what it holds is as old as that.
    pub newest_good: Option<Timestamp>,
    /// The oldest.
    pub oldest_good: Option<Timestamp>,
    /// When data of any was last read back without a fault.
    pub verified: Option<Timestamp>,
    /// Of the newest good one.
    pub files: u64,
    pub bytes: u64,
    pub added_bytes: u64,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SeenDatabase {
    pub queues: i64,
    pub dead_letters: i64,
    pub waiting: i64,
    pub has_ticker: bool,
    pub consumers: Vec<SeenConsumer>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SeenConsumer {
    pub queue: String,
    pub consumer: String,
    pub lag_ms: Option<i64>,
    pub pending: Option<i64>,
}

/// A vault, by its backups and what is known of it.
pub(crate) fn of_vault(backups: &[BackupSummary], info: &VaultInfo) -> SeenVault {
    let mut sources: BTreeMap<&Source, SeenSource> = BTreeMap::new();
    for backup in backups {
        let Some(source) = &backup.source else {
            continue;
        };
        let seen = sources.entry(source).or_insert_with(|| SeenSource {
            host: source.host.clone(),
            paths: paths(source),
            ..SeenSource::default()
        });
        seen.verified = seen.verified.max(backup.verified);
        if !backup.state.is_good() {
            continue;
        }
        seen.good += 1;
        seen.oldest_good = Some(
            seen.oldest_good
                .map_or(backup.started, |at| at.min(backup.started)),
        );
        if seen.newest_good.is_none_or(|at| at < backup.started) {
            seen.newest_good = Some(backup.started);
            seen.files = backup.counts.files;
            seen.bytes = backup.counts.bytes;
            seen.added_bytes = backup.counts.stored_bytes;
            seen.duration_ms = backup.duration_ms;
        }
    }
    let Reading { since, .. } = info.reading;
    SeenVault {
        stored_bytes: info.bytes,
        packs: info.packs,
        chunks: info.chunks,
        backups: info.backups.clone(),
        read_since: since,
        sources: sources.into_values().collect(),
    }
}

fn paths(source: &Source) -> String {
    let paths: Vec<String> = source
        .paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

/// A database with queues.
pub(crate) fn of_database(status: &QueueStatus, consumers: &[ConsumerSummary]) -> SeenDatabase {
    SeenDatabase {
        queues: status.queues,
        dead_letters: status.dead_letters,
        waiting: status.waiting,
        has_ticker: status.ticker.is_some(),
        consumers: consumers
            .iter()
            .map(|consumer| SeenConsumer {
                queue: consumer.queue.clone(),
                consumer: consumer.consumer.clone(),
                lag_ms: consumer.lag_ms,
                pending: consumer.pending,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use ostler_api::document::{BackupCounts, BackupState, BackupSummary, Source, VaultInfo};
    use ostler_vocabulary::Timestamp;
    use serde_json::json;

    use super::of_vault;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
    }

    fn backup(hour: i64, state: BackupState, verified: Option<i64>) -> BackupSummary {
        BackupSummary {
            id: format!("{hour:032x}").parse().unwrap(),
            vault: "v".to_owned(),
            name: None,
            state,
            source: Some(Source {
                host: "h".to_owned(),
                paths: vec!["/a".into(), "/b".into()],
            }),
            started: at(hour),
            duration_ms: 1000,
            counts: BackupCounts {
                bytes: u64::try_from(hour).unwrap(),
                ..BackupCounts::default()
            },
            tags: [].into(),
            held: false,
            verified: verified.map(at),
        }
    }

    fn info() -> VaultInfo {
        serde_json::from_value(json!({
            "name": "v", "location": "/v", "default": true, "id": "00000000000000000000000000000001",
            "format": 1, "created": at(0), "encryption": "none", "keys": [], "key_file": null, "backups": {"complete": 2},
            "reading": {"since": null, "last": null, "recent_percent": 0}, "packs": 1, "bytes": 10, "chunks": 2,
            "store": null, "warnings": []
        }))
        .unwrap()
    }

    #[test]
    fn only_good_backups_count_and_the_newest_gives_the_sizes() {
        let backups = [
            backup(9, BackupState::Damaged, None),
            backup(7, BackupState::Complete, None),
            backup(5, BackupState::Verified, Some(6)),
            backup(1, BackupState::Partial, None),
        ];
        let seen = of_vault(&backups, &info());
        let source = &seen.sources[0];
        assert_eq!(
            (source.good, source.bytes, source.paths.as_str()),
            (2, 7, "/a, /b")
        );
        assert_eq!(source.newest_good, Some(at(7)));
        assert_eq!(source.oldest_good, Some(at(5)));
        assert_eq!(source.verified, Some(at(6)));
    }

    #[test]
    fn a_source_without_a_good_backup_is_there_and_never_was_backed_up() {
        let seen = of_vault(&[backup(1, BackupState::Incomplete, None)], &info());
        assert_eq!((seen.sources.len(), seen.sources[0].newest_good), (1, None));
    }
}
