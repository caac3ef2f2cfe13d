//! Looking into backups: files, differences, contents.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use ostler_api::document::{Change, Diff, DiffEntry, FileEntry, FileList};
use ostler_api::request::Selector;
use ostler_backup::evidence::list_address;
use ostler_backup::problems::path_text;
use ostler_backup::state::Backup;
use ostler_backup::{Context, restore};
use ostler_vault::list::{Entry, EntryKind, Extent, ListReader, path_order};
use ostler_vault::{NodeRecord, Reader};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use tokio::sync::mpsc;

use super::{Runtime, blocking};
use crate::Error;

/// The largest piece of zeros that is sent at once.
const ZEROS: u64 = 1 << 20;

/// A file list with what reads its files.
struct Opened {
    reader: Arc<Reader>,
    parts: Vec<NodeRecord>,
    name: String,
}

impl Runtime {
    async fn open_list(&self, context: &Context, backup: &Backup) -> Result<Opened, Failure> {
        restore::may_restore(backup, true)?;
        let record = context.record(backup.id()).await?;
        let index = context
            .vault
            .index(false)
            .await
            .map_err(context.attempting("read its index"))?;
        Ok(Opened {
            reader: Arc::new(context.vault.reader(index)),
            parts: record.nodes,
            name: format!("backup {} in vault `{}`", backup.id().short(), context.vault_name),
        })
    }

    pub(super) async fn list_files(
        &self,
        selector: &Selector,
        path: Option<&Path>,
    ) -> Result<FileList, Failure> {
        let (context, backup) = self.meant(selector).await?;
        let opened = self.open_list(&context, &backup).await?;
        let path = path.map(Path::to_owned);
        let shown = path.as_ref().map(|p| p.display().to_string());
        let files = blocking(move || {
            let mut files = Vec::new();
            for (part, list) in opened.readers()? {
                let below = match &path {
                    Some(path) => match in_part(path, part) {
                        Some(below) => Some(below),
                        None => continue,
                    },
                    None => None,
                };
                let entries = match &below {
                    Some(path) => list.below(path),
                    None => list.entries(),
                };
                for entry in entries {
                    files.push(part_entry(&entry.map_err(|e| opened.cannot_read(e))?, part));
                }
            }
            match shown {
                Some(path) if files.is_empty() => Err(no_such_file(&path, &opened.name)),
                _ => Ok(files),
            }
        })
        .await?;
        Ok(FileList {
            backup: backup.id(),
            files,
        })
    }

    pub(super) async fn diff_backups(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure> {
        let (from_context, from) = self.meant(from).await?;
        let (to_context, to) = self.meant(to).await?;
        let before = self.open_list(&from_context, &from).await?;
        let after = self.open_list(&to_context, &to).await?;
        let entries = blocking(move || {
            let mut entries = Vec::new();
            let (old, new) = (before.readers()?, after.readers()?);
            for (part, old, new) in paired(&old, &new) {
                compare(&before, &after, part, (old, new), &mut entries)?;
            }
            Ok(entries)
        })
        .await?;
        Ok(Diff {
            from: from.id(),
            to: to.id(),
            entries,
        })
    }

    pub(super) async fn send_file(
        &self,
        selector: &Selector,
        path: &Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure> {
        let (context, backup) = self.meant(selector).await?;
        restore::may_restore(&backup, allow_incomplete)?;
        let opened = self.open_list(&context, &backup).await?;
        let (path, shown) = (path.to_owned(), path.display().to_string());
        let (opened, entry) = blocking(move || {
            for (part, list) in opened.readers()? {
                let Some(wanted) = in_part(&path, part) else {
                    continue;
                };
                if let Some(entry) = list.below(&wanted).next() {
                    let entry = entry.map_err(|e| opened.cannot_read(e))?;
                    if entry.path == wanted {
                        let reader = Arc::clone(&opened.reader);
                        let name = opened.name.clone();
                        return Ok((Contents { reader, name }, entry));
                    }
                }
            }
            Err(no_such_file(&shown, &opened.name))
        })
        .await?;
        let EntryKind::File { content, .. } = entry.kind else {
            return Err(Error::Request {
                message: format!("{} is not a regular file", path_text(&entry.path)),
                kind: ErrorKind::Invalid,
                hint: None,
            }
            .into());
        };
        let (sender, receiver) = mpsc::channel(4);
        // Ends with the file, or when nobody reads any more.
        drop(tokio::task::spawn_blocking(move || {
            for extent in content {
                if !send_extent(&opened, extent, &sender) {
                    return;
                }
            }
        }));
        Ok(receiver)
    }
}

/// What reads the content of a file, and what it is called in errors.
struct Contents {
    reader: Arc<Reader>,
    name: String,
}

impl Contents {
    fn cannot_read(&self, error: ostler_vault::Error) -> Failure {
        Failure::from(error).context(format!("cannot read {}", self.name))
    }
}

/// The lists of parts of the same name; those that only one side has, too.
fn paired<'a>(
    old: &'a [(&'a NodeRecord, ListReader)],
    new: &'a [(&'a NodeRecord, ListReader)],
) -> Vec<(&'a NodeRecord, Option<&'a ListReader>, Option<&'a ListReader>)> {
    // Of one machine there is one part, whatever it is called now.
    let same = |a: &NodeRecord, b: &NodeRecord| match (&a.root, &b.root) {
        (None, None) => true,
        _ => a.part() == b.part(),
    };
    let mut pairs = Vec::new();
    for (part, list) in old {
        let other = new.iter().find(|(other, _)| same(part, other));
        pairs.push((*part, Some(list), other.map(|(_, list)| list)));
    }
    for (part, list) in new {
        if !old.iter().any(|(other, _)| same(part, other)) {
            pairs.push((*part, None, Some(list)));
        }
    }
    pairs
}

/// Adds what differs between two lists of one part.
fn compare(
    before: &Opened,
    after: &Opened,
    part: &NodeRecord,
    (old, new): (Option<&ListReader>, Option<&ListReader>),
    entries: &mut Vec<DiffEntry>,
) -> Result<(), Failure> {
    let mut old = old.into_iter().flat_map(ListReader::entries).peekable();
    let mut new = new.into_iter().flat_map(ListReader::entries).peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return Ok(()),
            (Some(Ok(a)), Some(Ok(b))) => path_order(&a.path, &b.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Err(_)), _) => Ordering::Less,
            (_, Some(Err(_))) => Ordering::Greater,
        };
        let a = match order {
            Ordering::Less | Ordering::Equal => old.next(),
            Ordering::Greater => None,
        };
        let b = match order {
            Ordering::Greater | Ordering::Equal => new.next(),
            Ordering::Less => None,
        };
        let a = a.transpose().map_err(|e| before.cannot_read(e))?;
        let b = b.transpose().map_err(|e| after.cannot_read(e))?;
        let change = match (&a, &b) {
            (Some(a), Some(b)) => changed(a, b),
            (Some(_), None) => Some(Change::Removed),
            (None, _) => Some(Change::Added),
        };
        if let (Some(change), Some(entry)) = (change, b.or(a)) {
            entries.push(DiffEntry {
                change,
                entry: part_entry(&entry, part),
            });
        }
    }
}

fn send_extent(opened: &Contents, extent: Extent, sender: &mpsc::Sender<Result<Vec<u8>, Failure>>) -> bool {
    match extent {
        Extent::Chunk { id, .. } => {
            let chunk = opened.reader.chunk(&id).map_err(|e| opened.cannot_read(e));
            let is_good = chunk.is_ok();
            sender.blocking_send(chunk).is_ok() && is_good
        }
        Extent::Zeros { mut length } => {
            while length > 0 {
                let piece = length.min(ZEROS);
                length -= piece;
                if sender
                    .blocking_send(Ok(vec![0; usize::try_from(piece).unwrap_or(0)]))
                    .is_err()
                {
                    return false;
                }
            }
            true
        }
    }
}

impl Opened {
    fn readers(&self) -> Result<Vec<(&NodeRecord, ListReader)>, Failure> {
        let open = |part: &'_ NodeRecord| {
            let opened = ListReader::open(Arc::clone(&self.reader), list_address(&part.list)?);
            opened.map_err(|e| self.cannot_read(e))
        };
        let with_list = |part| Ok((part, open(part)?));
        self.parts.iter().map(with_list).collect()
    }

    fn cannot_read(&self, error: ostler_vault::Error) -> Failure {
        Failure::from(error).context(format!("cannot read {}", self.name))
    }
}

/// The path as the list of a part has it. In a backup of a cluster, paths begin with node and root: `a/data/file`; `None`
/// for those of other parts.
fn in_part(path: &Path, part: &NodeRecord) -> Option<Vec<u8>> {
    if part.root.is_none() {
        return Some(in_list(path, &part.paths));
    }
    let rest = path
        .strip_prefix("/")
        .unwrap_or(path)
        .strip_prefix(part.part())
        .ok()?;
    Some(in_list(rest, &part.paths))
}

/// An entry under the name that [`in_part`] reads.
fn part_entry(entry: &Entry, part: &NodeRecord) -> FileEntry {
    let shown = file_entry(entry);
    if part.root.is_none() {
        return shown;
    }
    let root = part
        .paths
        .first()
        .map(|root| root.display().to_string())
        .unwrap_or_default();
    let rest = shown.path.strip_prefix(&root).unwrap_or(&shown.path);
    FileEntry {
        path: format!("{}{rest}", part.part()),
        ..shown
    }
}

/// The path as a list has it: absolute without the leading `/`; a relative one is below the only root.
fn in_list(path: &Path, roots: &[std::path::PathBuf]) -> Vec<u8> {
    let absolute = match roots {
        [only] if path.is_relative() => only.join(path),
        _ => path.to_owned(),
    };
    let absolute: std::path::PathBuf = absolute.components().collect();
    let bytes = absolute.as_os_str().as_bytes();
    bytes.strip_prefix(b"/").unwrap_or(bytes).to_vec()
}

fn no_such_file(path: &str, backup: &str) -> Failure {
    Error::Request {
        message: format!("there is no {path} in {backup}"),
        kind: ErrorKind::NotFound,
        hint: Some("`ostler backup show --files` lists what is in it".to_owned()),
    }
    .into()
}

fn changed(a: &Entry, b: &Entry) -> Option<Change> {
    let same_content = match (&a.kind, &b.kind) {
        (
            EntryKind::File {
                size: a, content: x, ..
            },
            EntryKind::File {
                size: b, content: y, ..
            },
        ) => a == b && x == y,
        (a, b) => a == b,
    };
    let (a, b) = (&a.metadata, &b.metadata);
    let same_metadata = a.mode == b.mode
        && (a.uid, a.gid) == (b.uid, b.gid)
        && a.modified == b.modified
        && a.xattrs == b.xattrs;
    match (same_content, same_metadata) {
        (false, _) => Some(Change::Modified),
        (true, false) => Some(Change::Metadata),
        (true, true) => None,
    }
}

fn file_entry(entry: &Entry) -> FileEntry {
    let (kind, size, target) = match &entry.kind {
        EntryKind::Directory => ("directory", 0, None),
        EntryKind::File { size, .. } => ("file", *size, None),
        EntryKind::Symlink { target } => ("symlink", 0, Some(String::from_utf8_lossy(target).into_owned())),
        EntryKind::Fifo => ("fifo", 0, None),
        EntryKind::Socket => ("socket", 0, None),
        EntryKind::CharDevice { .. } => ("char_device", 0, None),
        EntryKind::BlockDevice { .. } => ("block_device", 0, None),
    };
    let modified = &entry.metadata.modified;
    FileEntry {
        path: path_text(&entry.path),
        kind: kind.to_owned(),
        size,
        mode: format!("{:04o}", entry.metadata.mode),
        modified: Timestamp::new(modified.seconds, i32::try_from(modified.nanoseconds).unwrap_or(0))
            .unwrap_or(Timestamp::UNIX_EPOCH),
        target,
    }
}
