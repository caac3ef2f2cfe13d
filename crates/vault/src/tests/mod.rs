//! Tests of the vault's format from inside: every suite, every kind of object, every byte.

mod cache;
mod catalogue;
mod check;
mod chunks;
mod collect;
mod damage;
mod fixture;
mod giving_up;
mod keys;
mod lease;
mod locked;
mod mirror;
mod parsers;
mod repack;
mod repair;
mod rotation;
mod scale;
mod sim;
mod single_writer;
mod waits;
mod world;
