//! The backup store: chunks, packs, index, keys, file lists, commit records, collection of garbage.
//!
//! Who uses it: the agent (stores and reads chunks and file lists) and the backup operations (everything else).
//!
//! The types to know: [`Vault`] (an open vault), [`Upload`] with its [`ChunkSink`]s (a session that stores chunks)
//! and [`Reader`] (gives chunks back, verified).
//!
//! Invariants: no object is ever replaced; nothing that is read is believed before it is authenticated; a key and
//! a nonce never meet two plaintexts (`docs/adr/0002-nonces.md`). The format is normative in
//! `docs/design/vault-format.md`.
//!
//! What is not here: walking and writing files (`agent`), which backups to keep (`backup`), stores (`store`).

mod catalogue;
mod check;
mod chunk;
mod cipher;
mod collect;
mod config;
mod envelope;
mod error;
mod host;
mod index;
mod keys;
mod lease;
pub mod list;
mod locks;
mod mirror;
#[cfg(test)]
mod nonce_witness;
mod objects;
mod open;
mod options;
mod pack;
mod parallel;
mod probes;
mod reach;
mod reader;
mod repair;
mod reserve;
mod rounds;
mod sealed_name;
#[cfg(test)]
mod tests;
mod upload;
mod writer;

pub use catalogue::*;
pub use check::*;
pub use chunk::{ChunkId, ChunkKind, PackId};
pub use collect::*;
pub use error::Error;
pub use index::{Index, Location, PackSet};
pub use keys::{EpochInfo, age_recipients};
pub use lease::*;
pub use mirror::{Copied, Mirror};
pub use open::Vault;
pub use options::{
    Algorithm, InitOptions, Initialised, NewKey, PassphraseCost, Protect, Unlock, WrapperInfo, Writers,
};
pub use probes::{ProbeRecord, scratch};
pub use reader::{OpenBlock, Reader};
pub use repair::{Healed, Healing, LiveFiles};
pub use upload::{ChunkSink, Stored, Upload, UploadTotals};
pub use writer::{Maker, Place, Writer};
