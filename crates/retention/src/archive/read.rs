//! Archives that are read: whether they are what their manifests say, and their rows.

use bytes::Bytes;
use futures::{StreamExt, stream};
use ostler_store::{Key, Store};
use ostler_vocabulary::{ErrorKind, Failure, Progress};

use super::cell::hash;
use super::packer::microseconds;
use super::{Cell, Column, ColumnEntry, FileEntry, Manifest, Names, Tally, file};
use crate::column::TimeColumn;

/// Files that are read at the same time.
const AT_ONCE: usize = 2;

/// All archives of a table, oldest first.
///
/// # Errors
/// Of the store; of a manifest that cannot be read.
pub async fn list(shelf: &dyn Store, names: &Names) -> Result<Vec<(Key, Manifest)>, Failure> {
    let mut found = Vec::new();
    for object in ostler_store::list_all(shelf, &names.manifests()).await? {
        let bytes = shelf.get(&object.key).await?;
        let manifest = Manifest::decode(object.key.as_str(), &bytes)?;
        found.push((object.key, manifest));
    }
    found.sort_by(|a, b| (a.1.made, &a.1.archive).cmp(&(b.1.made, &b.1.archive)));
    Ok(found)
}

/// Reads all files back and counts their rows anew.
///
/// # Errors
/// `Corrupt` when anything is not as the manifest says; of the store.
pub async fn verify(shelf: &dyn Store, manifest: &Manifest, progress: &Progress) -> Result<Tally, Failure> {
    let files = stream::iter(manifest.files.clone().into_iter().map(|entry| async move {
        let rows = rows_of(shelf, &entry, &manifest.columns).await?;
        let tally = tokio::task::spawn_blocking(move || rows.tally())
            .await
            .map_err(|error| {
                Failure::new(ErrorKind::Internal, format!("counting rows ended early: {error}"))
            })?;
        if tally != entry.tally {
            return Err(damaged(&entry, "its rows are others than the manifest says"));
        }
        progress.add_done(tally.rows);
        Ok::<Tally, Failure>(tally)
    }));
    let mut files = files.buffered(AT_ONCE);
    let mut all = Tally::default();
    while let Some(tally) = files.next().await {
        all.join(&tally?);
    }
    match all == manifest.tally {
        true => Ok(all),
        false => Err(Failure::new(
            ErrorKind::Corrupt,
            format!(
                "archive {} has other rows than its manifest says",
                manifest.archive
            ),
        )),
    }
}

/// The rows of a file, whose bytes have the manifest's checksum.
///
/// # Errors
/// `Corrupt`; of the store.
pub async fn rows_of(shelf: &dyn Store, entry: &FileEntry, columns: &[ColumnEntry]) -> Result<Rows, Failure> {
    let bytes = shelf.get(&Key::new(entry.key.clone())?).await?;
    let (entry, columns) = (entry.clone(), columns.to_vec());
    tokio::task::spawn_blocking(move || decoded(&entry, bytes, &columns))
        .await
        .map_err(|error| {
            Failure::new(
                ErrorKind::Internal,
                format!("reading a file ended early: {error}"),
            )
        })?
}

fn decoded(entry: &FileEntry, bytes: Bytes, columns: &[ColumnEntry]) -> Result<Rows, Failure> {
    if blake3::hash(&bytes).to_hex().as_str() != entry.blake3 {
        return Err(damaged(entry, "its checksum is another than the manifest says"));
    }
    let columns = file::decode(bytes, columns).map_err(|error| damaged(entry, &error.to_string()))?;
    Ok(Rows { columns })
}

fn damaged(entry: &FileEntry, reason: &str) -> Failure {
    Failure::new(ErrorKind::Corrupt, format!("{} is damaged: {reason}", entry.key))
}

/// Rows of a file.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<Column>,
}

impl Rows {
    /// Gives every row with its hash to `each`, in their order.
    pub fn each(&self, mut each: impl FnMut(&[Option<Cell<'_>>], [u8; 32])) {
        let rows = self.columns.first().map_or(0, |column| column.present.len());
        let mut places = vec![0_usize; self.columns.len()];
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut scratch = Vec::new();
        for row in 0..rows {
            cells.clear();
            for (column, place) in self.columns.iter().zip(&mut places) {
                cells.push(match column.present.get(row) {
                    Some(1) => {
                        *place += 1;
                        column.value(*place - 1)
                    }
                    _ => None,
                });
            }
            let hash = hash(&cells, &mut scratch);
            each(&cells, hash);
        }
    }

    /// All of them.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.each(|_, hash| tally.add(&hash));
        tally
    }
}

/// The time of a row, in microseconds since 1970 of its own clock.
#[must_use]
pub fn time_of(cells: &[Option<Cell<'_>>], at: usize, how: TimeColumn) -> Option<i64> {
    cells
        .get(at)
        .copied()
        .flatten()
        .and_then(|cell| microseconds(cell, how))
}
