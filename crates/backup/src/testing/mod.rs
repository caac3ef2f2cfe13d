//! For tests: nodes without disks, a database in memory, and the suite that every driver passes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_debug_implementations,
    reason = "a test's way to fail"
)]

pub mod driver;
mod engine;
mod faults;
mod node;

pub use engine::{Engine, EngineDriver};
pub use node::MemoryNode;
