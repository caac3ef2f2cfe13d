//! The queue against real servers.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod ticker;
mod ticker_world;
