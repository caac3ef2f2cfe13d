//! Each operation over a vault in memory and a node without a disk: every step failed, repeated, lost and cancelled.

mod create;
mod later;
mod node;
mod world;
