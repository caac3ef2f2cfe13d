//! Writing blocks and extent lists.

use super::{FAR_EXTENTS, RACY, SAME_OWNER, SPARSE, VERSION, XATTRS};
use crate::ChunkId;
use crate::list::entry::{Entry, EntryKind, Extent, Metadata};
use crate::list::order::shared_prefix;
use crate::list::varint::{put_bytes, put_number, put_step};

/// Where an entry's extents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::list) enum Extents<'a> {
    /// In the entry itself.
    Near,
    /// In these chunks, in order.
    Far(&'a [ChunkId]),
}

/// Writes the entries of one block.
#[derive(Debug, Default)]
pub(in crate::list) struct BlockEncoder {
    body: Vec<u8>,
    entries: u64,
    path: Vec<u8>,
    metadata: Metadata,
}

impl BlockEncoder {
    /// Adds an entry. Its order and path have been checked.
    pub(in crate::list) fn push(&mut self, entry: &Entry, extents: Extents<'_>) {
        let out = &mut self.body;
        let shared = shared_prefix(&self.path, &entry.path);
        put_number(out, shared as u64);
        put_bytes(out, &entry.path[shared..]);

        let now = &entry.metadata;
        let before = &self.metadata;
        let same_owner = self.entries > 0
            && (now.mode, now.uid, now.gid, now.device)
                == (before.mode, before.uid, before.gid, before.device)
            && (&now.user, &now.group) == (&before.user, &before.group);
        let mut flags = kind_number(&entry.kind);
        if let EntryKind::File { sparse, racy, .. } = &entry.kind {
            flags |= if *sparse { SPARSE } else { 0 } | if *racy { RACY } else { 0 };
        }
        if matches!(extents, Extents::Far(_)) {
            flags |= FAR_EXTENTS;
        }
        if !now.xattrs.is_empty() {
            flags |= XATTRS;
        }
        if same_owner {
            flags |= SAME_OWNER;
        }
        out.push(flags);

        if !same_owner {
            put_number(out, u64::from(now.mode));
            put_number(out, u64::from(now.uid));
            put_number(out, u64::from(now.gid));
            put_name(out, now.user.as_deref());
            put_name(out, now.group.as_deref());
            put_number(out, now.device);
        }
        put_step(
            out,
            before.modified.seconds.cast_unsigned(),
            now.modified.seconds.cast_unsigned(),
        );
        put_number(out, u64::from(now.modified.nanoseconds));
        put_step(
            out,
            now.modified.seconds.cast_unsigned(),
            now.changed.seconds.cast_unsigned(),
        );
        put_number(out, u64::from(now.changed.nanoseconds));
        put_step(out, before.inode, now.inode);
        put_number(out, now.links);
        if !now.xattrs.is_empty() {
            put_number(out, now.xattrs.len() as u64);
            for (name, value) in &now.xattrs {
                put_bytes(out, name);
                put_bytes(out, value);
            }
        }
        match &entry.kind {
            EntryKind::Directory | EntryKind::Fifo | EntryKind::Socket => {}
            EntryKind::File { size, content, .. } => {
                put_number(out, *size);
                match extents {
                    Extents::Near => put_extents(out, content),
                    Extents::Far(chunks) => {
                        put_number(out, chunks.len() as u64);
                        for chunk in chunks {
                            out.extend_from_slice(&chunk.0);
                        }
                    }
                }
            }
            EntryKind::Symlink { target } => put_bytes(out, target),
            EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
                put_number(out, u64::from(*major));
                put_number(out, u64::from(*minor));
            }
        }
        self.entries += 1;
        self.path.truncate(shared);
        self.path.extend_from_slice(&entry.path[shared..]);
        if !same_owner {
            self.metadata = Metadata {
                xattrs: Vec::new(),
                ..now.clone()
            };
        } else {
            self.metadata.modified = now.modified;
            self.metadata.inode = now.inode;
        }
    }

    pub(in crate::list) fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes written so far.
    pub(in crate::list) fn size(&self) -> usize {
        self.body.len()
    }

    /// The path of the last entry; empty before the first.
    pub(in crate::list) fn last_path(&self) -> &[u8] {
        &self.path
    }

    /// The block's plaintext; the encoder begins the next.
    pub(in crate::list) fn take(&mut self) -> Vec<u8> {
        let mut block = Vec::with_capacity(self.body.len() + 11);
        block.push(VERSION);
        put_number(&mut block, self.entries);
        block.append(&mut self.body);
        self.entries = 0;
        self.path.clear();
        self.metadata = Metadata::default();
        block
    }
}

fn kind_number(kind: &EntryKind) -> u8 {
    match kind {
        EntryKind::Directory => 0,
        EntryKind::File { .. } => 1,
        EntryKind::Symlink { .. } => 2,
        EntryKind::Fifo => 3,
        EntryKind::Socket => 4,
        EntryKind::CharDevice { .. } => 5,
        EntryKind::BlockDevice { .. } => 6,
    }
}

fn put_name(out: &mut Vec<u8>, name: Option<&str>) {
    match name {
        None => out.push(0),
        Some(name) => {
            put_number(out, name.len() as u64 + 1);
            out.extend_from_slice(name.as_bytes());
        }
    }
}

fn put_extents(out: &mut Vec<u8>, extents: &[Extent]) {
    put_number(out, extents.len() as u64);
    for extent in extents {
        match extent {
            Extent::Chunk { id, length } => {
                out.push(0);
                put_number(out, u64::from(*length));
                out.extend_from_slice(&id.0);
            }
            Extent::Zeros { length } => {
                out.push(1);
                put_number(out, *length);
            }
        }
    }
}

/// The plaintext of an extent list of its own.
pub(in crate::list) fn encode_extents(extents: &[Extent]) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_extents(&mut out, extents);
    out
}
