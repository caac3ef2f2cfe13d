//! Rows on their way into a store: read, packed and stored at the same time.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use ostler_store::{Error as StoreError, Key, Store};
use ostler_vocabulary::{ErrorKind, Failure, Progress};
use tokio::sync::mpsc;

use super::{FileEntry, Packed, Packer, Tally};

/// Bytes that are handed on together.
const PIECE: usize = 256 << 10;
const PIECES: usize = 8;
/// Files that wait to be stored.
const FILES: usize = 2;

/// Makes rows of what a database sends.
pub trait Decode: Send + 'static {
    /// Reads a piece; what is begun in it may end in the next one.
    ///
    /// # Errors
    /// What is wrong with the bytes, or with a row.
    fn piece(&mut self, piece: Bytes, packer: &mut Packer, files: &mut Vec<Packed>) -> Result<(), Failure>;

    /// Whether everything that began has ended.
    ///
    /// # Errors
    /// When it has not.
    fn end(&mut self) -> Result<(), Failure>;
}

/// What was stored.
#[derive(Debug, Default)]
pub struct Written {
    /// The files, in ascending order of time.
    pub files: Vec<FileEntry>,
    /// All rows.
    pub tally: Tally,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Stores rows under a prefix that nothing else uses.
///
/// # Errors
/// Of the rows' source, of the decoder, of the store.
pub async fn write(
    shelf: &dyn Store,
    prefix: &str,
    rows: impl Stream<Item = Result<Bytes, Failure>>,
    mut decoder: impl Decode,
    mut packer: Packer,
    progress: &Progress,
) -> Result<Written, Failure> {
    let (pieces, mut taken) = mpsc::channel::<Bytes>(PIECES);
    let (packed, mut files) = mpsc::channel::<Packed>(FILES);
    let packing = tokio::task::spawn_blocking(move || {
        let mut done = Vec::new();
        let send = |done: &mut Vec<Packed>| done.drain(..).all(|file| packed.blocking_send(file).is_ok());
        while let Some(piece) = taken.blocking_recv() {
            decoder.piece(piece, &mut packer, &mut done)?;
            if !send(&mut done) {
                // The store said no, and says why itself.
                return Ok(());
            }
        }
        decoder.end()?;
        done.extend(packer.finish()?);
        send(&mut done);
        Ok::<(), Failure>(())
    });
    let reading = async move {
        let mut rows = pin!(rows);
        let mut waiting = BytesMut::new();
        while let Some(row) = rows.next().await {
            waiting.extend_from_slice(&row?);
            if waiting.len() >= PIECE && pieces.send(waiting.split().freeze()).await.is_err() {
                // The packer stopped, and says why itself.
                return Ok(());
            }
        }
        let _ = pieces.send(waiting.freeze()).await;
        Ok::<(), Failure>(())
    };
    let storing = async move {
        let mut written = Written::default();
        while let Some(file) = files.recv().await {
            let entry = store(shelf, prefix, file).await?;
            progress.add_done(entry.tally.rows);
            written.tally.join(&entry.tally);
            written.bytes += entry.bytes;
            written.files.push(entry);
        }
        Ok::<Written, Failure>(written)
    };
    let (read, stored, packed) = tokio::join!(reading, storing, packing);
    // What a later stage says is the reason why an earlier one stopped.
    let written = stored?;
    packed
        .map_err(|error| Failure::new(ErrorKind::Internal, format!("packing rows ended early: {error}")))??;
    read?;
    Ok(written)
}

async fn store(shelf: &dyn Store, prefix: &str, file: Packed) -> Result<FileEntry, Failure> {
    let day = file.day.map(|day| day.to_string());
    let folder = day.as_deref().unwrap_or("none");
    let key = Key::new(format!("{prefix}day={folder}/{:06}.parquet", file.number))?;
    let entry = FileEntry {
        key: key.to_string(),
        day,
        tally: file.tally,
        bytes: file.bytes.len() as u64,
        blake3: blake3::hash(&file.bytes).to_hex().to_string(),
        min: file.min,
        max: file.max,
    };
    create(shelf, &key, file.bytes).await?;
    Ok(entry)
}

/// Creates an object, or finds that it is there already with the same bytes.
pub(super) async fn create(shelf: &dyn Store, key: &Key, bytes: Bytes) -> Result<(), Failure> {
    match shelf.create(key, bytes.clone()).await {
        Err(StoreError::AlreadyExists { .. }) if shelf.get(key).await? == bytes => Ok(()),
        done => Ok(done?),
    }
}
