//! The runtime over real directories: what a front end sees, from the first backup to the last deletion.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod agent;
mod damage;
mod examples;
mod hanging;
mod life;
mod served;
mod stores;
mod web;
mod world;
