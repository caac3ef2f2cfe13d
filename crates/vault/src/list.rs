//! File lists: what a node's part of a backup holds, in path order, in blocks that can be read alone.
//!
//! The coding is normative in `docs/design/vault-format.md`, section "File lists".

mod codec;
mod cut;
mod directory;
mod entry;
mod order;
mod reader;
#[cfg(test)]
mod tests;
mod transcript;
pub(crate) mod varint;
mod writer;

pub(crate) use directory::Block;
pub use entry::{Entry, EntryKind, Extent, FileTime, Metadata};
pub use order::path_order;
pub use reader::ListReader;
pub(crate) use transcript::Transcript;
pub use writer::ListWriter;

/// A file with more extents keeps them in chunks of their own.
const NEAR_EXTENTS: usize = 1024;
/// How many extents such a chunk holds; a fixed number, so that a file that grows keeps all but the last.
const FAR_EXTENTS: usize = 4096;
