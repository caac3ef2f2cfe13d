//! Reading blocks and extent lists. They come from the store: nothing that a block claims is believed unchecked.

use super::{FAR_EXTENTS, KIND, RACY, SAME_OWNER, SPARSE, VERSION, XATTRS};
use crate::ChunkId;
use crate::list::entry::{Entry, EntryKind, Extent, FileTime, Metadata};
use crate::list::order::{is_storable, path_order};
use crate::list::varint::{Cursor, Malformed};

/// The shortest extent: a tag and a length.
const LEAST_EXTENT: usize = 2;
/// The shortest entry: path lengths, flags, two times, inode, links.
const LEAST_ENTRY: usize = 9;

/// An entry as it stands in its block.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::list) struct Decoded {
    /// The entry; without its extents when those are elsewhere.
    pub(in crate::list) entry: Entry,
    /// The chunks with its extents; empty when they are in the entry.
    pub(in crate::list) far: Vec<ChunkId>,
}

/// Reads the entries of a block one by one, so that memory does not depend on what the block claims.
#[derive(Debug)]
pub(in crate::list) struct BlockDecoder {
    block: Vec<u8>,
    at: usize,
    left: u64,
    first: bool,
    path: Vec<u8>,
    metadata: Metadata,
}

impl BlockDecoder {
    pub(in crate::list) fn new(block: Vec<u8>) -> Result<Self, Malformed> {
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
    pub(in crate::list) fn left(&self) -> u64 {
        self.left
    }

    /// The next entry; `None` after the last.
    pub(in crate::list) fn next(&mut self) -> Result<Option<Decoded>, Malformed> {
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

/// Appends what [`encode_extents`](super::encode_extents) wrote.
pub(in crate::list) fn decode_extents(bytes: &[u8], into: &mut Vec<Extent>) -> Result<(), Malformed> {
    let mut cursor = Cursor(bytes);
    version(&mut cursor)?;
    extents(&mut cursor, into)?;
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(Malformed("something follows its end"))
    }
}

fn version(cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    match cursor.byte()? {
        VERSION => Ok(()),
        _ => Err(Malformed("it has a version this program does not know")),
    }
}

/// The extents of a file are the file, without gap or rest.
pub(in crate::list) fn check_size(content: &[Extent], size: u64) -> Result<(), Malformed> {
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
