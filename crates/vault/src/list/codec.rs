//! How entries are written in a block, and how extents are: the section "File lists" of the format page.
//!
//! A block stands alone: its first entry refers to nothing before it. What both directions share is here.

mod decode;
mod encode;

pub(super) use decode::{BlockDecoder, Decoded, check_size, decode_extents};
pub(super) use encode::{BlockEncoder, Extents, encode_extents};

/// The first byte of every block and extent list.
const VERSION: u8 = 1;

const KIND: u8 = 0x07;
const SPARSE: u8 = 0x08;
const RACY: u8 = 0x10;
/// The extents are in chunks of their own.
const FAR_EXTENTS: u8 = 0x20;
const XATTRS: u8 = 0x40;
/// Mode, owner, group, names and device are those of the entry before.
const SAME_OWNER: u8 = 0x80;
