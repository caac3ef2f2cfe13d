//! What a directory holds, for comparing two of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// One entry: everything a restore must bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The kind, as a letter.
    pub kind: char,
    /// Permission bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Modification time in seconds and nanoseconds; not of symbolic links.
    pub modified: (i64, i64),
    /// Content of a file, target of a link.
    pub content: Vec<u8>,
}

/// Reads a whole tree. The top directory itself is the entry with the empty path.
///
/// # Panics
/// When something in it cannot be read.
#[must_use]
pub fn read(top: &Path) -> BTreeMap<PathBuf, Node> {
    let mut nodes = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = top.join(&relative);
        let metadata =
            fs::symlink_metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let kind = metadata.file_type();
        let (kind, content) = if kind.is_dir() {
            for entry in fs::read_dir(&path).expect("a directory") {
                open.push(relative.join(entry.expect("an entry").file_name()));
            }
            ('d', Vec::new())
        } else if kind.is_symlink() {
            (
                'l',
                OsString::from(fs::read_link(&path).expect("a link"))
                    .as_bytes()
                    .to_vec(),
            )
        } else if kind.is_fifo() {
            ('p', Vec::new())
        } else {
            ('f', fs::read(&path).expect("a file"))
        };
        let modified = if kind == 'l' {
            (0, 0)
        } else {
            (metadata.mtime(), metadata.mtime_nsec())
        };
        let owner = (metadata.uid(), metadata.gid());
        nodes.insert(
            relative,
            Node {
                kind,
                mode: metadata.mode() & 0o7777,
                owner,
                modified,
                content,
            },
        );
    }
    nodes
}

/// Says how two trees differ, in a few lines; empty when they do not.
#[must_use]
pub fn difference(expected: &BTreeMap<PathBuf, Node>, found: &BTreeMap<PathBuf, Node>) -> String {
    let mut lines = Vec::new();
    for (path, node) in expected {
        match found.get(path) {
            None => lines.push(format!("missing: {}", path.display())),
            Some(other) if other != node => {
                let content = if other.content == node.content {
                    "same content"
                } else {
                    "other content"
                };
                let short = |n: &Node| (n.kind, n.mode, n.owner, n.modified, n.content.len());
                lines.push(format!(
                    "differs: {} {content} {:?} {:?}",
                    path.display(),
                    short(node),
                    short(other)
                ));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        found
            .keys()
            .filter(|path| !expected.contains_key(*path))
            .map(|p| format!("extra: {}", p.display())),
    );
    lines.truncate(10);
    lines.join("\n")
}
