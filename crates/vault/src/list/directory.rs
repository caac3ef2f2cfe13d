//! The directory of a list: which blocks it has, what is in them, and which chunks hold them.

use super::order::{path_order, shared_prefix};
use super::varint::{Cursor, Malformed, put_bytes, put_number};
use crate::ChunkId;

const VERSION: u8 = 1;
/// The chunk describes blocks.
const BLOCKS: u8 = 0;
/// The chunk names chunks that describe blocks.
const PARTS: u8 = 1;

/// A part of a large directory ends after about this many blocks, where a block's id says so.
const MEAN_PART: u16 = 512;
const MOST_PART_BLOCKS: usize = 2048;
const MOST_PART_BYTES: usize = 1024 * 1024;

/// One block of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The path of its first entry.
    pub(crate) first: Vec<u8>,
    /// How many entries it has.
    pub(crate) entries: u64,
    /// The sizes of its files, added up.
    pub(crate) bytes: u64,
    /// The chunk with its plaintext.
    pub(crate) chunk: ChunkId,
    /// The chunks with the extents of its largest files.
    pub(crate) far: Vec<ChunkId>,
}

/// The plaintexts of a directory's parts, each with its number of blocks. One part is the directory itself.
pub(super) fn encode_parts(blocks: &[Block]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = blocks;
    loop {
        let mut body = Vec::new();
        let mut count = 0;
        let mut before: &[u8] = &[];
        for block in rest {
            let shared = shared_prefix(before, &block.first);
            put_number(&mut body, shared as u64);
            put_bytes(&mut body, &block.first[shared..]);
            put_number(&mut body, block.entries);
            put_number(&mut body, block.bytes);
            body.extend_from_slice(&block.chunk.0);
            put_number(&mut body, block.far.len() as u64);
            for chunk in &block.far {
                body.extend_from_slice(&chunk.0);
            }
            before = &block.first;
            count += 1;
            let [a, b, ..] = block.chunk.0;
            if u16::from_le_bytes([a, b]) % MEAN_PART == 0
                || count >= MOST_PART_BLOCKS
                || body.len() >= MOST_PART_BYTES
            {
                break;
            }
        }
        let mut part = vec![VERSION, BLOCKS];
        put_number(&mut part, count as u64);
        part.append(&mut body);
        parts.push(part);
        rest = &rest[count..];
        if rest.is_empty() {
            return parts;
        }
    }
}

/// The plaintext of a directory of several parts.
pub(super) fn encode_root(parts: &[ChunkId]) -> Vec<u8> {
    let mut out = vec![VERSION, PARTS];
    put_number(&mut out, parts.len() as u64);
    for part in parts {
        out.extend_from_slice(&part.0);
    }
    out
}

/// What a directory chunk says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Directory {
    Blocks(Vec<Block>),
    Parts(Vec<ChunkId>),
}

pub(super) fn decode(bytes: &[u8]) -> Result<Directory, Malformed> {
    let mut cursor = Cursor(bytes);
    if cursor.byte()? != VERSION {
        return Err(Malformed("it has a version this program does not know"));
    }
    let directory = match cursor.byte()? {
        BLOCKS => Directory::Blocks(decode_blocks(&mut cursor)?),
        PARTS => {
            let count = cursor.count(32)?;
            let mut parts = Vec::with_capacity(count);
            for _ in 0..count {
                parts.push(ChunkId(cursor.array()?));
            }
            Directory::Parts(parts)
        }
        _ => return Err(Malformed("it is of an unknown kind")),
    };
    if cursor.is_empty() {
        Ok(directory)
    } else {
        Err(Malformed("something follows its end"))
    }
}

fn decode_blocks(cursor: &mut Cursor<'_>) -> Result<Vec<Block>, Malformed> {
    let count = cursor.count(37)?;
    let mut blocks: Vec<Block> = Vec::with_capacity(count.min(MOST_PART_BLOCKS));
    for _ in 0..count {
        let before: &[u8] = blocks.last().map_or(&[], |block| &block.first);
        let shared = usize::try_from(cursor.number()?).map_err(|_| Malformed("a length is too large"))?;
        let mut first = before
            .get(..shared)
            .ok_or(Malformed("a path shares more than there is"))?
            .to_vec();
        first.extend_from_slice(cursor.bytes()?);
        if !blocks.is_empty() && path_order(before, &first).is_ge() {
            return Err(Malformed("its blocks are out of order"));
        }
        let entries = cursor.number()?;
        let bytes = cursor.number()?;
        let chunk = ChunkId(cursor.array()?);
        let far = cursor.count(32)?;
        let far = (0..far)
            .map(|_| Ok(ChunkId(cursor.array()?)))
            .collect::<Result<_, Malformed>>()?;
        blocks.push(Block {
            first,
            entries,
            bytes,
            chunk,
            far,
        });
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::{Block, Directory, decode, encode_parts, encode_root};
    use crate::ChunkId;
    use proptest::prelude::*;

    fn blocks(count: u32) -> Vec<Block> {
        (0..count)
            .map(|i| Block {
                first: format!("some/where/{i:08}").into_bytes(),
                entries: 1000,
                bytes: u64::from(i) << 20,
                chunk: ChunkId(*blake3::hash(&i.to_le_bytes()).as_bytes()),
                far: vec![ChunkId([7; 32]); (i % 3) as usize],
            })
            .collect()
    }

    #[test]
    fn a_directory_reads_back_in_as_many_parts_as_it_needs() {
        for count in [0, 1, 5000] {
            let blocks = blocks(count);
            let mut back = Vec::new();
            for part in encode_parts(&blocks) {
                match decode(&part) {
                    Ok(Directory::Blocks(part)) => back.extend(part),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(back, blocks);
        }
    }

    #[test]
    fn a_root_reads_back() {
        let parts = vec![ChunkId([1; 32]), ChunkId([2; 32])];
        assert_eq!(decode(&encode_root(&parts)), Ok(Directory::Parts(parts)));
    }

    proptest! {
        #[test]
        fn a_changed_directory_is_read_without_panic(at in 0usize..2000, byte: u8) {
            let mut bytes = encode_parts(&blocks(30)).swap_remove(0);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = decode(&bytes);
        }
    }
}
