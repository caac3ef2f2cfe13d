//! Real servers as child processes, on free loopback ports, in temporary directories.
//!
//! A server is stopped by its process id when its handle is dropped, and also when the test process dies without
//! dropping anything: its supervisor then sees the end of its standard input.

mod azurite;
mod http;
mod ports;
mod postgres;
mod process;
mod seaweedfs;
mod sshd;

pub use azurite::{Azurite, azurite};
pub use ports::free_ports;
pub use postgres::{Postgres, Rows, Wire, postgres, shared_postgres};
pub use process::Server;
pub use seaweedfs::{SeaweedFs, seaweedfs};
pub use sshd::{Sshd, sshd};
