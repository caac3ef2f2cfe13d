//! Every store keeps the contract, and what goes wrong is said in words that help.
#![allow(clippy::unwrap_used)]

mod decorators;
mod keeps_contract;
mod local;
mod probe;
mod s3;
mod services;
mod stand_in;
mod versions;
