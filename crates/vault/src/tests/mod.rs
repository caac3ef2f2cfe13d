//! Tests of the vault's format from inside: every suite, every kind of object, every byte.

mod catalogue;
mod check;
mod chunks;
mod collect;
mod damage;
mod fixture;
mod keys;
mod lease;
mod parsers;
mod repack;
mod rotation;
mod sim;
mod world;
