//! Tests of the vault's format from inside: every suite, every kind of object, every byte.

mod chunks;
mod damage;
mod fixture;
mod keys;
mod parsers;
mod repack;
