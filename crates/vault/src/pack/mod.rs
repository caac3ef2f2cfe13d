//! Packs: many chunks in one object.

mod builder;
mod layout;
mod open;

pub(crate) use builder::{Finished, PackBuilder, Press};
pub(crate) use layout::{ENTRY, Encoding, Entry, HEADER, MAX_CHUNK, PackTable, read_entries};
pub(crate) use open::PackKey;
