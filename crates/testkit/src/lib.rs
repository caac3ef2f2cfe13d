//! What tests need: real servers, and the means to get them.
//!
//! Who uses it: tests of every crate, and `cargo xtask servers`.
//!
//! The things to know: [`servers`] starts real servers; [`install`] gets them; [`install::or_skip`] is the one
//! rule for what happens when one cannot be had.
//!
//! Invariants: nothing outlives the test that started it; nothing is ever skipped silently. What is not here:
//! anything that a released program uses.

pub mod install;
pub mod servers;
