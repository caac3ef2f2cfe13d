//! What runs beside the data: walks, reads and stores files; restores and compares them.
//!
//! Who uses it: the server, which gives it to the backup operations as an [`ostler_api::Node`].
//!
//! The types to know: [`LocalNode`] (the agent in this process), [`Confined`] (a node within
//! bounds, for what comes over a wire), [`Options`] (how it works), [`Turns`] (how many threads at a time) and [`Error`].
//!
//! Invariants: a file that is called unchanged has the size, times and inode it had, and its times prove it; what was
//! read of a file is one version of it, or a problem says so; a restore writes nothing outside of its target, follows
//! no link below it, and never leaves a half-written file under its final name; what cannot be read or restored is
//! reported and does not stop the rest; what holds files still below a path goes with the request, or with the next one.
//!
//! What is not here: what a chunk or list looks like (`vault`), when to back up and what to keep (`backup`).

mod command;
mod compare;
mod confined;
mod download;
mod error;
mod layout;
mod metadata;
mod node;
mod path;
mod pool;
mod problems;
mod scratch;
mod snapshot;
mod stat;
mod stop;
mod turns;
mod upload;
mod walk;

pub use confined::{Bounds, Confined};
pub use error::Error;
pub use node::{LocalNode, Options};
pub use turns::Turns;
