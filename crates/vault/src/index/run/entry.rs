//! How a chunk's place is coded in a page, and a pack in its record.

use super::super::places::{Pack, Place};
use crate::list::varint::{Cursor, Malformed, put_number};
use crate::pack::HEADER;
use crate::{ChunkId, PackId};

/// Length of a pack's record: name, size, header, number of chunks, which segment named it.
pub(super) const PACK: usize = 32 + 8 + HEADER + 4 + 4;

/// A pack of a run, as a segment named it. One that two segments name comes twice, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Named {
    pub(in super::super) pack: Pack,
    /// Which segment of the run named it.
    pub(in super::super) segment: u32,
}

impl Named {
    pub(super) fn write(&self) -> [u8; PACK] {
        let mut record = [0; PACK];
        record[..32].copy_from_slice(&self.pack.id.0);
        record[32..40].copy_from_slice(&self.pack.size.to_le_bytes());
        record[40..40 + HEADER].copy_from_slice(&self.pack.header);
        record[40 + HEADER..44 + HEADER].copy_from_slice(&self.pack.chunks.to_le_bytes());
        record[44 + HEADER..].copy_from_slice(&self.segment.to_le_bytes());
        record
    }

    pub(super) fn read(record: &[u8; PACK]) -> Self {
        let (mut id, mut size, mut header) = ([0; 32], [0; 8], [0; HEADER]);
        let (mut chunks, mut segment) = ([0; 4], [0; 4]);
        id.copy_from_slice(&record[..32]);
        size.copy_from_slice(&record[32..40]);
        header.copy_from_slice(&record[40..40 + HEADER]);
        chunks.copy_from_slice(&record[40 + HEADER..44 + HEADER]);
        segment.copy_from_slice(&record[44 + HEADER..]);
        Self {
            pack: Pack {
                id: PackId(id),
                size: u64::from_le_bytes(size),
                header,
                chunks: u32::from_le_bytes(chunks),
            },
            segment: u32::from_le_bytes(segment),
        }
    }
}

const SHARED: u8 = 1;
const LIST: u8 = 2;
const ZSTD: u8 = 4;

/// The most bytes an entry takes.
pub(super) const MOST: usize = 32 + 1 + 7 * 5;

pub(super) fn write(id: &ChunkId, place: &Place, into: &mut Vec<u8>) {
    into.extend_from_slice(&id.0);
    let flag = |set, flag| if set { flag } else { 0 };
    into.push(flag(place.shared, SHARED) | flag(place.list, LIST) | flag(place.zstd, ZSTD));
    for number in [place.pack, place.number, place.offset, place.stored, place.length] {
        put_number(into, u64::from(number));
    }
    if place.shared {
        put_number(into, u64::from(place.at));
        put_number(into, u64::from(place.block));
    }
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<(ChunkId, Place), Malformed> {
    let id = ChunkId(cursor.array()?);
    Ok((id, read_place(cursor)?))
}

fn read_place(cursor: &mut Cursor<'_>) -> Result<Place, Malformed> {
    let flags = cursor.byte()?;
    let shared = flags & SHARED != 0;
    let [pack, number, offset] = [cursor.small()?, cursor.small()?, cursor.small()?];
    let [stored, length] = [cursor.small()?, cursor.small()?];
    let (at, block) = match shared {
        true => (cursor.small()?, cursor.small()?),
        // A block of one chunk.
        false => (0, length),
    };
    Ok(Place {
        pack,
        offset,
        at,
        number,
        stored,
        length,
        block,
        shared,
        list: flags & LIST != 0,
        zstd: flags & ZSTD != 0,
    })
}
