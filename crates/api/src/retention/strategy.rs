//! What is done with what is too old.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done with what is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Whole partitions are dropped.
    Drop,
    /// Rows are deleted.
    Delete,
    /// All rows but the newest of each key are deleted.
    KeepLast,
    /// Partitions or rows are kept in Parquet files of an object store, and removed then.
    Archive,
    /// Partitions or rows are removed when the levels of a rollup are proven to have their sums.
    Downsample,
    /// Partitions are made before their rows come.
    Ahead,
    /// Partitions are moved: to nodes with an attribute, or to a tablespace.
    Reallocate,
    /// Partitions are kept in a snapshot of the server's own, and dropped then.
    Snapshot,
    /// A word that this release does not know; the policy's target is that word. Nothing goes by it.
    #[serde(other)]
    Unknown,
}

impl Strategy {
    /// All that a policy can have.
    pub const ALL: [Self; 8] = [
        Self::Drop,
        Self::Delete,
        Self::KeepLast,
        Self::Archive,
        Self::Downsample,
        Self::Ahead,
        Self::Reallocate,
        Self::Snapshot,
    ];

    /// What it does, in a few words.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Drop => "Drop whole partitions",
            Self::Delete => "Delete rows",
            Self::KeepLast => "Delete all rows but the newest of each key",
            Self::Archive => {
                "Keep partitions or rows in Parquet files of an object store, and remove them then"
            }
            Self::Downsample => {
                "Remove partitions or rows, and levels of a rollup, whose sums are proven to be in the next level"
            }
            Self::Ahead => "Make partitions that long before their rows come",
            Self::Reallocate => {
                "Move partitions to another class of storage: a tablespace, or nodes of CrateDB with an attribute"
            }
            Self::Snapshot => "Keep partitions in a snapshot repository, and drop them then (CrateDB)",
            Self::Unknown => "Not known to this release",
        }
    }

    /// By its word, in letters of any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str().eq_ignore_ascii_case(word))
    }

    /// Whether it needs to be told where what goes is kept.
    #[must_use]
    pub fn has_target(self) -> bool {
        matches!(
            self,
            Self::Archive | Self::Downsample | Self::Reallocate | Self::Snapshot | Self::Unknown
        )
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Delete => "delete",
            Self::KeepLast => "keep-last",
            Self::Archive => "archive",
            Self::Downsample => "downsample",
            Self::Ahead => "ahead",
            Self::Reallocate => "reallocate",
            Self::Snapshot => "snapshot",
            Self::Unknown => "unknown",
        }
    }
}
