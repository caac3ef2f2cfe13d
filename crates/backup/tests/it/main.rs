//! Each operation over a vault in memory and a node without a disk: every step failed, repeated, lost and cancelled.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod clocks;
mod create;
mod engine;
mod evidence;
mod identity;
mod later;
mod mirror;
mod weather;
mod world;
