//! The bytes of a pack: header, blocks of chunks, table, footer. All integers are big-endian.

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
/// Length in bytes of what a table says of a block before its chunks.
const BLOCK: usize = 18;
/// Length in bytes of what a table says of each chunk.
const MEMBER: usize = 36;
/// The longest plaintext of a block, and so of a chunk, in bytes. Bounds what a reader allocates before it can check
/// anything.
pub(crate) const MAX_CHUNK: usize = 16 << 20;
/// The nonce of the table; block numbers never come near it.
pub(super) const TABLE_NONCE: [u8; NONCE] = [0xff; NONCE];

/// How a block's plaintext became what was sealed.
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

/// What is compressed and sealed together: one large chunk, or several small ones of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: ChunkKind,
    pub(crate) encoding: Encoding,
    /// From the start of the pack.
    pub(crate) offset: u32,
    /// Length in the pack, tag included.
    pub(crate) stored: u32,
    /// Length of the plaintext.
    pub(crate) length: u32,
    /// How many chunks it holds, one after another; never none.
    pub(crate) chunks: u32,
}

/// A chunk of a block. It starts where the one before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: ChunkId,
    /// Length of the plaintext.
    pub(crate) length: u32,
}

impl Block {
    fn read(bytes: &[u8; BLOCK]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let block = Self {
            kind: ChunkKind::from_code(bytes[0])?,
            encoding: Encoding::from_code(bytes[1])?,
            offset: number(2)?,
            stored: number(6)?,
            length: number(10)?,
            chunks: number(14)?,
        };
        let sealed = usize::try_from(block.stored).ok()?.checked_sub(TAG)?;
        let length = usize::try_from(block.length).ok()?;
        let fits = match block.encoding {
            Encoding::Stored => sealed == length,
            // A frame is only kept when it is shorter.
            Encoding::Zstd => sealed < length,
        };
        (fits && length <= MAX_CHUNK && block.chunks > 0).then_some(block)
    }
}

/// What is authenticated with a block: where it belongs and what it is; of a block with one chunk also which one.
/// The chunks of others are known by their ids, which are made of their bytes.
pub(crate) struct Context {
    bytes: [u8; 54],
    length: usize,
}

impl Context {
    pub(crate) fn new(
        vault: VaultId,
        kind: ChunkKind,
        encoding: Encoding,
        length: u32,
        sole: Option<&ChunkId>,
    ) -> Self {
        let mut bytes = [0; 54];
        bytes[..16].copy_from_slice(vault.as_bytes());
        bytes[16] = kind.code();
        bytes[17] = encoding.code();
        bytes[18..22].copy_from_slice(&length.to_be_bytes());
        let mut length = 22;
        if let Some(id) = sole {
            bytes[22..].copy_from_slice(&id.0);
            length = 54;
        }
        Self { bytes, length }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The blocks of a pack and their chunks, in the order of the pack: a block's number is its place here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    blocks: Vec<Block>,
    chunks: Vec<Member>,
}

impl Contents {
    /// Adds a block; `block.chunks` is the number of `chunks`.
    pub(crate) fn push(&mut self, block: Block, chunks: &[Member]) {
        self.blocks.push(block);
        self.chunks.extend_from_slice(chunks);
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Each block with its number and its chunks.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u32, &Block, &[Member])> {
        let mut rest = self.chunks.as_slice();
        (0..).zip(&self.blocks).map(move |(number, block)| {
            let (chunks, after) = rest
                .split_at_checked(block.chunks as usize)
                .unwrap_or((rest, &[]));
            rest = after;
            (number, block, chunks)
        })
    }

    /// Length in bytes when written.
    pub(crate) fn size(&self) -> usize {
        self.blocks.len() * BLOCK + self.chunks.len() * MEMBER
    }

    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        into.reserve(self.size());
        for (_, block, chunks) in self.each() {
            into.extend_from_slice(&[block.kind.code(), block.encoding.code()]);
            for number in [block.offset, block.stored, block.length, block.chunks] {
                into.extend_from_slice(&number.to_be_bytes());
            }
            for chunk in chunks {
                into.extend_from_slice(&chunk.id.0);
                into.extend_from_slice(&chunk.length.to_be_bytes());
            }
        }
    }

    /// `None` when the bytes are no table, or one that contradicts itself.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut contents = Self::default();
        while !bytes.is_empty() {
            let (block, after) = bytes.split_first_chunk::<BLOCK>()?;
            let block = Block::read(block)?;
            let length = usize::try_from(block.chunks).ok()?.checked_mul(MEMBER)?;
            let (chunks, after) = after.split_at_checked(length)?;
            let mut left = block.length;
            for chunk in chunks.as_chunks::<MEMBER>().0 {
                let (id, length) = chunk.split_first_chunk::<32>()?;
                let length = u32::from_be_bytes(length.try_into().ok()?);
                left = left.checked_sub(length)?;
                contents.chunks.push(Member {
                    id: ChunkId(*id),
                    length,
                });
            }
            if left != 0 {
                return None;
            }
            contents.blocks.push(block);
            bytes = after;
        }
        Some(contents)
    }

    /// Bytes that the blocks take in the pack.
    pub(super) fn stored(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.stored)).sum()
    }
}

/// What is known of a pack without its chunks: what index segments hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackTable {
    pub(crate) id: PackId,
    /// Size of the object in bytes.
    pub(crate) size: u64,
    pub(crate) header: [u8; HEADER],
    pub(crate) contents: Contents,
}

impl PackTable {
    /// Whether the blocks follow one another without gaps from the header to the table, in a pack of this size. A
    /// signature between table and footer may make the pack longer.
    pub(crate) fn is_sound(&self) -> bool {
        let mut at = HEADER as u64;
        for block in &self.contents.blocks {
            if u64::from(block.offset) != at {
                return false;
            }
            at += u64::from(block.stored);
        }
        let size = at + (self.contents.size() + TAG + FOOTER) as u64;
        self.size >= size && self.size - size <= u64::from(u16::MAX)
    }
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

/// The key epoch that a header names.
pub(crate) fn epoch_of(header: &[u8; HEADER]) -> u32 {
    u32::from_be_bytes([header[12], header[13], header[14], header[15]])
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
        epoch: epoch_of(header),
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

/// The nonce of a block: its number in the pack.
pub(crate) fn nonce(number: u32) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[8..].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Block, ChunkId, ChunkKind, Contents, Encoding, MEMBER, Member, TAG};

    /// Tables as a writer makes them: each block's chunks with their lengths, and whether it shrank.
    fn contents(blocks: &[(Vec<u16>, bool)]) -> Contents {
        let (mut contents, mut offset) = (Contents::default(), super::HEADER);
        for (number, (lengths, shrank)) in (0_u8..).zip(blocks) {
            let chunks: Vec<Member> = (0_u8..)
                .zip(lengths)
                .map(|(place, length)| Member {
                    id: ChunkId([number ^ place; 32]),
                    length: u32::from(*length),
                })
                .collect();
            let length: u32 = chunks.iter().map(|chunk| chunk.length).sum();
            let shrank = *shrank && length > 0;
            let stored = length as usize / (1 + usize::from(shrank)) + TAG;
            let block = Block {
                kind: ChunkKind::Data,
                encoding: if shrank { Encoding::Zstd } else { Encoding::Stored },
                offset: u32::try_from(offset).unwrap(),
                stored: u32::try_from(stored).unwrap(),
                length,
                chunks: u32::try_from(chunks.len()).unwrap(),
            };
            offset += stored;
            contents.push(block, &chunks);
        }
        contents
    }

    proptest! {
        #[test]
        fn tables_read_back_and_their_parts_do_not(
            blocks in prop::collection::vec((prop::collection::vec(any::<u16>(), 1..20), any::<bool>()), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let table = contents(&blocks);
            let mut bytes = Vec::new();
            table.write(&mut bytes);
            prop_assert_eq!(bytes.len(), table.size());
            prop_assert_eq!(Contents::read(&bytes), Some(table.clone()));
            if !bytes.is_empty() {
                let part = Contents::read(&bytes[..cut.index(bytes.len())]);
                prop_assert!(part.is_none_or(|part| part.blocks() < table.blocks()));
            }
        }

        #[test]
        fn a_block_whose_chunks_are_not_as_long_as_it_is_refused(
            lengths in prop::collection::vec(0_u16..5000, 1..20),
            more in 1_u32..5,
        ) {
            let table = contents(&[(lengths, false)]);
            let mut bytes = Vec::new();
            table.write(&mut bytes);
            let at = bytes.len() - 4;
            let last = table.chunks[table.chunks() - 1].length + more;
            bytes[at..].copy_from_slice(&last.to_be_bytes());
            prop_assert_eq!(Contents::read(&bytes), None);
            bytes.truncate(bytes.len() - MEMBER);
            prop_assert_eq!(Contents::read(&bytes), None);
        }
    }
}
