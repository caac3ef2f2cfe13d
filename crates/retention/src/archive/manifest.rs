//! What an archive's manifest says. A durable format: what is read here was perhaps written years ago.

use ostler_api::retention::{TableName, TimeUnit};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Kind, Tally};
use crate::column::TimeColumn;

/// The version of the manifest and of the files that it names.
pub const MANIFEST_VERSION: u32 = 1;
const FORMAT: &str = "ostler-archive";

/// What an archive is: rows of one table that were removed from it together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `ostler-archive`.
    pub format: String,
    /// The version of the format.
    pub version: u32,
    /// Its id: no other archive of the table has it.
    pub archive: String,
    /// When the operation was started that made it.
    pub made: Timestamp,
    /// That operation.
    pub operation: String,
    /// The policy.
    pub policy: String,
    /// The database's name on its server.
    pub database: String,
    /// The table that the rows belong to.
    pub table: TableName,
    /// The partition that they were in, if it was archived as a whole.
    pub partition: Option<PartitionEntry>,
    /// How rows tell their time.
    pub time: TimeEntry,
    /// The columns, in the order of files and of rows' hashes.
    pub columns: Vec<ColumnEntry>,
    /// All rows.
    pub tally: Tally,
    /// Bytes of all files.
    pub bytes: u64,
    /// In ascending order of time.
    pub files: Vec<FileEntry>,
}

/// A partition that was archived as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionEntry {
    /// Its name.
    pub name: TableName,
    /// What it was attached to.
    pub parent: TableName,
    /// Its bounds, as the server writes them.
    pub bounds: String,
}

/// How rows tell their time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeEntry {
    /// The column.
    pub column: String,
    /// What it counts, where its type does not say.
    pub unit: Option<TimeUnit>,
    /// The zone of times that name none.
    pub zone: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// Its type, in full.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How its values are kept.
    pub kind: Kind,
    /// Whether the server makes its values from other columns.
    pub generated: bool,
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its whole name in the store.
    pub key: String,
    /// The day of all its rows, in UTC where they tell a moment; `None` where they tell none.
    pub day: Option<String>,
    /// Its rows.
    pub tally: Tally,
    /// Its size.
    pub bytes: u64,
    /// The checksum of its bytes.
    pub blake3: String,
    /// The least of the rows' times, as the database writes it.
    pub min: String,
    /// The greatest.
    pub max: String,
}

impl Manifest {
    /// As it is stored.
    ///
    /// # Errors
    /// `Internal`
    pub fn encode(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::new(ErrorKind::Internal, format!("cannot write a manifest: {error}")))
    }

    /// Reads one.
    ///
    /// # Errors
    /// `Unsupported` for a newer version; `Corrupt` for what is no manifest.
    pub fn decode(key: &str, bytes: &[u8]) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let corrupt = |reason: String| {
            Failure::new(
                ErrorKind::Corrupt,
                format!("{key} is no manifest of an archive: {reason}"),
            )
        };
        let head: Head = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        if head.format != FORMAT {
            return Err(corrupt(format!("its format is `{}`", head.format)));
        }
        if head.version > MANIFEST_VERSION {
            let message = format!(
                "{key} is of version {}; this program knows up to {MANIFEST_VERSION}",
                head.version
            );
            return Err(
                Failure::new(ErrorKind::Unsupported, message).with_hint("use the newer version of Ostler")
            );
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        let mut sum = Tally::default();
        manifest.files.iter().for_each(|file| sum.join(&file.tally));
        if sum != manifest.tally {
            return Err(corrupt("its files are not its rows".to_owned()));
        }
        Ok(manifest)
    }

    /// The format's name.
    #[must_use]
    pub fn format() -> String {
        FORMAT.to_owned()
    }

    /// How the column tells the time.
    ///
    /// # Errors
    /// `Corrupt` when it cannot.
    pub fn how(&self) -> Result<(usize, TimeColumn), Failure> {
        let corrupt = |reason: String| {
            Failure::new(
                ErrorKind::Corrupt,
                format!("the manifest of archive {}: {reason}", self.archive),
            )
        };
        let at = self
            .columns
            .iter()
            .position(|column| column.name == self.time.column)
            .ok_or_else(|| corrupt(format!("there is no column {}", self.time.column)))?;
        let name = match (self.columns[at].kind, self.time.unit) {
            (Kind::Text, Some(TimeUnit::S | TimeUnit::Ms | TimeUnit::Us | TimeUnit::Ns)) => "numeric",
            (Kind::Smallint, _) => "integer",
            (kind, _) => kind.sql(),
        };
        Ok((at, TimeColumn::of(name, self.time.unit).map_err(corrupt)?))
    }
}
