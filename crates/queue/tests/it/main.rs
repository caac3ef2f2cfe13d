//! Tests of the queue on real servers.
fn main() {}
