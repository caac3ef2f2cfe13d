//! The agent against real directories and a vault in memory.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod changing;
mod confined;
mod frozen;
mod held;
mod increments;
mod left;
mod meddling;
mod owners;
mod restore;
mod special;
mod trees;
mod unchanged;
mod world;
