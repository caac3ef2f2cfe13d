//! The queue on real servers.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test too")]

mod conformance;
mod model;
mod place;
mod ticker;
mod ticker_world;
