//! The bytes of a pack: header, chunks, table, footer. All integers are big-endian.

use ostler_vocabulary::VaultId;

use crate::chunk::ChunkKind;
use crate::cipher::{NONCE, Suite, TAG};
use crate::keys::SEALED_KEY;
use crate::{ChunkId, PackId};

pub(super) const MAGIC: &[u8; 8] = b"OSTLPACK";
pub(super) const END: &[u8; 8] = b"OSTLPEND";
const VERSION: u8 = 1;

/// Length of the header in bytes.
pub(crate) const HEADER: usize = 32 + SEALED_KEY;
/// Length of the footer in bytes.
pub(crate) const FOOTER: usize = 16;
/// Length of a table entry in bytes.
pub(crate) const ENTRY: usize = 46;
/// The longest plaintext of a chunk, in bytes. Bounds what a reader allocates before it can check anything.
pub(crate) const MAX_CHUNK: usize = 16 << 20;
/// The nonce of the table; entry numbers never come near it.
pub(super) const TABLE_NONCE: [u8; NONCE] = [0xff; NONCE];

/// How a chunk's plaintext became what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Stored,
    /// One frame of zstd.
    Zstd,
}

impl Encoding {
    fn code(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Stored),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// One chunk of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: ChunkKind,
    pub(crate) encoding: Encoding,
    pub(crate) id: ChunkId,
    /// From the start of the pack.
    pub(crate) offset: u32,
    /// Length in the pack, tag included.
    pub(crate) stored: u32,
    /// Length of the plaintext.
    pub(crate) length: u32,
}

impl Entry {
    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&[self.kind.code(), self.encoding.code()]);
        into.extend_from_slice(&self.id.0);
        for number in [self.offset, self.stored, self.length] {
            into.extend_from_slice(&number.to_be_bytes());
        }
    }

    fn read(bytes: &[u8; ENTRY]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let entry = Self {
            kind: ChunkKind::from_code(bytes[0])?,
            encoding: Encoding::from_code(bytes[1])?,
            id: ChunkId(bytes.get(2..34)?.try_into().ok()?),
            offset: number(34)?,
            stored: number(38)?,
            length: number(42)?,
        };
        let sealed = usize::try_from(entry.stored).ok()?.checked_sub(TAG)?;
        let length = usize::try_from(entry.length).ok()?;
        let fits = match entry.encoding {
            Encoding::Stored => sealed == length,
            // A frame is only kept when it is shorter.
            Encoding::Zstd => sealed < length,
        };
        (fits && length <= MAX_CHUNK).then_some(entry)
    }

    /// What is authenticated with the chunk: where it belongs and what it is.
    pub(crate) fn context(&self, vault: VaultId) -> [u8; 54] {
        let mut context = [0; 54];
        context[..16].copy_from_slice(vault.as_bytes());
        context[16] = self.kind.code();
        context[17] = self.encoding.code();
        context[18..50].copy_from_slice(&self.id.0);
        context[50..].copy_from_slice(&self.length.to_be_bytes());
        context
    }
}

/// What is known of a pack without its chunks: what index segments hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackTable {
    pub(crate) id: PackId,
    /// Size of the object in bytes.
    pub(crate) size: u64,
    pub(crate) header: [u8; HEADER],
    /// In the order of the pack: an entry's number is its place here.
    pub(crate) entries: Vec<Entry>,
}

impl PackTable {
    /// Length in bytes of a pack with these chunks.
    fn size_of(entries: &[Entry]) -> Option<u64> {
        let chunks: u64 = entries.iter().map(|entry| u64::from(entry.stored)).sum();
        let table = entries.len().checked_mul(ENTRY)?.checked_add(TAG)?;
        (HEADER as u64)
            .checked_add(chunks)?
            .checked_add(table as u64)?
            .checked_add(FOOTER as u64)
    }

    /// Whether the chunks follow one another without gaps from the header to the table, in a pack of this size. A
    /// signature between table and footer may make the pack longer.
    pub(crate) fn is_sound(&self) -> bool {
        let mut at = HEADER as u64;
        for entry in &self.entries {
            if u64::from(entry.offset) != at {
                return false;
            }
            at += u64::from(entry.stored);
        }
        Self::size_of(&self.entries)
            .is_some_and(|size| self.size >= size && self.size - size <= u64::from(u16::MAX))
    }
}

/// The entries of a table; `None` when the bytes are no table.
pub(crate) fn read_entries(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (entries, rest) = bytes.as_chunks::<ENTRY>();
    if !rest.is_empty() {
        return None;
    }
    entries.iter().map(Entry::read).collect()
}

/// The header of a new pack.
pub(super) fn header(
    suite: Suite,
    epoch: u32,
    vault: VaultId,
    sealed_key: &[u8; SEALED_KEY],
) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8] = VERSION;
    header[9] = suite.code();
    header[12..16].copy_from_slice(&epoch.to_be_bytes());
    header[16..32].copy_from_slice(vault.as_bytes());
    header[32..].copy_from_slice(sealed_key);
    header
}

/// What stands in a header.
pub(super) struct HeaderParts<'a> {
    pub(super) epoch: u32,
    pub(super) sealed_key: &'a [u8],
}

/// Reads a header of this vault; the error is the reason.
pub(super) fn read_header(
    header: &[u8; HEADER],
    suite: Suite,
    vault: VaultId,
) -> Result<HeaderParts<'_>, &'static str> {
    if !header.starts_with(MAGIC) {
        return Err("it is not a pack");
    }
    if header[8] != VERSION {
        return Err("it is a pack of another version of the format");
    }
    if header[9] != suite.code() {
        return Err("it was sealed by another suite than the vault's");
    }
    if header[10..12] != [0, 0] {
        return Err("its header has bytes that should be zero");
    }
    if header[16..32] != *vault.as_bytes() {
        return Err("it is another vault's");
    }
    Ok(HeaderParts {
        epoch: u32::from_be_bytes([header[12], header[13], header[14], header[15]]),
        sealed_key: &header[32..],
    })
}

/// The footer of a new pack.
pub(super) fn footer(table: u32) -> [u8; FOOTER] {
    let mut footer = [0; FOOTER];
    footer[..4].copy_from_slice(&table.to_be_bytes());
    footer[8..].copy_from_slice(END);
    footer
}

/// Lengths of table and signature; `None` when it is no footer.
pub(super) fn read_footer(footer: &[u8; FOOTER]) -> Option<(u32, u16)> {
    let known = footer.ends_with(END) && footer[6..8] == [0, 0];
    known.then(|| {
        (
            u32::from_be_bytes([footer[0], footer[1], footer[2], footer[3]]),
            u16::from_be_bytes([footer[4], footer[5]]),
        )
    })
}

/// The nonce of a chunk: its number in the pack.
pub(crate) fn nonce(number: u32) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[8..].copy_from_slice(&number.to_be_bytes());
    nonce
}
