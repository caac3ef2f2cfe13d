//! What tests need: real servers, and the means to get them.
//!
//! Who uses it: tests of every crate, and `cargo xtask servers`.
//!
//! The things to know: [`servers`] starts real servers; [`install`] gets them; [`key_stores`] are the system's own; [`reflink`]
//! mounts a file system that clones files;
//! [`binary`] runs the real program; [`install::or_skip`] is the one
//! rule for what happens when one cannot be had; [`certificate`] is what servers prove who they are with, [`clock`] makes
//! clocks wrong; [`proxy`] stands in front of an HTTP service and does it harm.
//!
//! Invariants: nothing outlives the test that started it; nothing is ever skipped silently. What is not here:
//! anything that a released program uses.

pub mod binary;
pub mod certificate;
pub mod clock;
pub mod install;
pub mod key_stores;
pub mod proxy;
pub mod random;
pub mod reflink;
pub mod servers;
pub mod tree;
