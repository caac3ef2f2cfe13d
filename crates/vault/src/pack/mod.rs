//! Packs: many chunks in one object.

mod builder;
mod layout;
mod open;
mod press;

pub(crate) use builder::{Finished, PackBuilder};
#[cfg(test)]
pub(crate) use layout::Block;
pub(crate) use layout::{Contents, Context, Encoding, HEADER, MAX_CHUNK, Member, PackTable, epoch_of};
pub(crate) use open::PackKey;
pub(crate) use press::Press;
