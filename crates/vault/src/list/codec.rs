//! How entries are written in a block, and how extents are: the section "File lists" of the format page.
//!
//! A block stands alone: its first entry refers to nothing before it.

use super::entry::{Entry, EntryKind, Extent, FileTime, Metadata};
use super::order::{is_storable, path_order, shared_prefix};
use super::varint::{Cursor, Malformed, put_bytes, put_number, put_step};
use crate::ChunkId;

/// The first byte of every block and extent list.
pub(super) const VERSION: u8 = 1;

const KIND: u8 = 0x07;
const SPARSE: u8 = 0x08;
const RACY: u8 = 0x10;
/// The extents are in chunks of their own.
const FAR_EXTENTS: u8 = 0x20;
const XATTRS: u8 = 0x40;
/// Mode, owner, group, names and device are those of the entry before.
const SAME_OWNER: u8 = 0x80;

/// The shortest extent: a tag and a length.
const LEAST_EXTENT: usize = 2;
/// The shortest entry: path lengths, flags, two times, inode, links.
const LEAST_ENTRY: usize = 9;

/// Where an entry's extents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extents<'a> {
    /// In the entry itself.
    Near,
    /// In these chunks, in order.
    Far(&'a [ChunkId]),
}

/// Writes the entries of one block.
#[derive(Debug, Default)]
pub(super) struct BlockEncoder {
    body: Vec<u8>,
    entries: u64,
    path: Vec<u8>,
    metadata: Metadata,
}

impl BlockEncoder {
    /// Adds an entry. Its order and path have been checked.
    pub(super) fn push(&mut self, entry: &Entry, extents: Extents<'_>) {
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

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes written so far.
    pub(super) fn size(&self) -> usize {
        self.body.len()
    }

    /// The path of the last entry; empty before the first.
    pub(super) fn last_path(&self) -> &[u8] {
        &self.path
    }

    /// The block's plaintext; the encoder begins the next.
    pub(super) fn take(&mut self) -> Vec<u8> {
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

fn name(cursor: &mut Cursor<'_>, before: Option<&String>) -> Result<Option<String>, Malformed> {
    let Some(length) = cursor.number()?.checked_sub(1) else {
        return Ok(None);
    };
    let length = usize::try_from(length).map_err(|_| Malformed("a length is too large"))?;
    let text =
        std::str::from_utf8(cursor.take(length)?).map_err(|_| Malformed("a user or group is not UTF-8"))?;
    Ok(match before {
        Some(before) if before == text => Some(before.clone()),
        _ => Some(text.to_owned()),
    })
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

fn extents(cursor: &mut Cursor<'_>, into: &mut Vec<Extent>) -> Result<(), Malformed> {
    let count = cursor.count(LEAST_EXTENT)?;
    into.reserve(count);
    for _ in 0..count {
        into.push(match cursor.byte()? {
            0 => {
                let length = cursor.small()?;
                Extent::Chunk {
                    id: ChunkId(cursor.array()?),
                    length,
                }
            }
            1 => Extent::Zeros {
                length: cursor.number()?,
            },
            _ => return Err(Malformed("an extent is of an unknown kind")),
        });
    }
    Ok(())
}

/// The plaintext of an extent list of its own.
pub(super) fn encode_extents(extents: &[Extent]) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_extents(&mut out, extents);
    out
}

/// Appends what [`encode_extents`] wrote.
pub(super) fn decode_extents(bytes: &[u8], into: &mut Vec<Extent>) -> Result<(), Malformed> {
    let mut cursor = Cursor(bytes);
    version(&mut cursor)?;
    extents(&mut cursor, into)?;
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(Malformed("something follows its end"))
    }
}

pub(super) fn version(cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    match cursor.byte()? {
        VERSION => Ok(()),
        _ => Err(Malformed("it has a version this program does not know")),
    }
}

/// An entry as it stands in its block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The entry; without its extents when those are elsewhere.
    pub(super) entry: Entry,
    /// The chunks with its extents; empty when they are in the entry.
    pub(super) far: Vec<ChunkId>,
}

/// Reads the entries of a block one by one, so that memory does not depend on what the block claims.
#[derive(Debug)]
pub(super) struct BlockDecoder {
    block: Vec<u8>,
    at: usize,
    left: u64,
    first: bool,
    path: Vec<u8>,
    metadata: Metadata,
}

impl BlockDecoder {
    pub(super) fn new(block: Vec<u8>) -> Result<Self, Malformed> {
        let mut cursor = Cursor(&block);
        version(&mut cursor)?;
        let left = cursor.count(LEAST_ENTRY)? as u64;
        if left == 0 {
            return Err(Malformed("it has no entries"));
        }
        let at = block.len() - cursor.left();
        Ok(Self {
            block,
            at,
            left,
            first: true,
            path: Vec::new(),
            metadata: Metadata::default(),
        })
    }

    /// How many entries are still to come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next entry; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Decoded>, Malformed> {
        let mut cursor = Cursor(self.block.get(self.at..).unwrap_or_default());
        if self.left == 0 {
            return if cursor.is_empty() {
                Ok(None)
            } else {
                Err(Malformed("something follows its last entry"))
            };
        }
        let shared = usize::try_from(cursor.number()?).map_err(|_| Malformed("a length is too large"))?;
        let kept = self
            .path
            .get(..shared)
            .ok_or(Malformed("a path shares more than there is"))?;
        let rest = cursor.bytes()?;
        let mut path = Vec::with_capacity(kept.len() + rest.len());
        path.extend_from_slice(kept);
        path.extend_from_slice(rest);
        if !is_storable(&path) {
            return Err(Malformed("a path has a part that no file can have"));
        }
        if !self.first && path_order(&self.path, &path).is_ge() {
            return Err(Malformed("its paths are out of order"));
        }
        let flags = cursor.byte()?;
        if flags & SAME_OWNER == 0 {
            self.metadata.mode = cursor.small()?;
            self.metadata.uid = cursor.small()?;
            self.metadata.gid = cursor.small()?;
            self.metadata.user = name(&mut cursor, self.metadata.user.as_ref())?;
            self.metadata.group = name(&mut cursor, self.metadata.group.as_ref())?;
            self.metadata.device = cursor.number()?;
        } else if self.first {
            return Err(Malformed("its first entry refers to one before"));
        }
        let modified = cursor.step(self.metadata.modified.seconds.cast_unsigned())?;
        self.metadata.modified = FileTime {
            seconds: modified.cast_signed(),
            nanoseconds: cursor.small()?,
        };
        self.metadata.changed = FileTime {
            seconds: cursor.step(modified)?.cast_signed(),
            nanoseconds: cursor.small()?,
        };
        self.metadata.inode = cursor.step(self.metadata.inode)?;
        self.metadata.links = cursor.number()?;
        let xattrs = if flags & XATTRS == 0 {
            Vec::new()
        } else {
            let count = cursor.count(2)?;
            let mut xattrs = Vec::with_capacity(count);
            for _ in 0..count {
                xattrs.push((cursor.bytes()?.to_vec(), cursor.bytes()?.to_vec()));
            }
            xattrs
        };
        let mut far = Vec::new();
        let kind = kind(&mut cursor, flags, &mut far)?;
        let decoded = Decoded {
            entry: Entry {
                path: path.clone(),
                kind,
                metadata: Metadata {
                    xattrs,
                    ..self.metadata.clone()
                },
            },
            far,
        };
        self.path = path;
        self.first = false;
        self.left -= 1;
        self.at = self.block.len() - cursor.left();
        Ok(Some(decoded))
    }
}

fn kind(cursor: &mut Cursor<'_>, flags: u8, far: &mut Vec<ChunkId>) -> Result<EntryKind, Malformed> {
    let kind = flags & KIND;
    if kind != 1 && flags & (SPARSE | RACY | FAR_EXTENTS) != 0 {
        return Err(Malformed("an entry has flags that only files have"));
    }
    Ok(match kind {
        0 => EntryKind::Directory,
        1 => {
            let size = cursor.number()?;
            let mut content = Vec::new();
            if flags & FAR_EXTENTS == 0 {
                extents(cursor, &mut content)?;
                check_size(&content, size)?;
            } else {
                let count = cursor.count(32)?;
                far.reserve(count);
                for _ in 0..count {
                    far.push(ChunkId(cursor.array()?));
                }
            }
            EntryKind::File {
                size,
                content,
                sparse: flags & SPARSE != 0,
                racy: flags & RACY != 0,
            }
        }
        2 => EntryKind::Symlink {
            target: cursor.bytes()?.to_vec(),
        },
        3 => EntryKind::Fifo,
        4 => EntryKind::Socket,
        5 => EntryKind::CharDevice {
            major: cursor.small()?,
            minor: cursor.small()?,
        },
        6 => EntryKind::BlockDevice {
            major: cursor.small()?,
            minor: cursor.small()?,
        },
        _ => return Err(Malformed("an entry is of an unknown kind")),
    })
}

/// The extents of a file are the file, without gap or rest.
pub(super) fn check_size(content: &[Extent], size: u64) -> Result<(), Malformed> {
    let mut sum: u64 = 0;
    for extent in content {
        let length = match extent {
            Extent::Chunk { length, .. } => u64::from(*length),
            Extent::Zeros { length } => *length,
        };
        sum = sum
            .checked_add(length)
            .ok_or(Malformed("a file's extents are too long"))?;
    }
    if sum == size {
        Ok(())
    } else {
        Err(Malformed("a file's extents are not as long as the file"))
    }
}
