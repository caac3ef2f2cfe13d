//! Real servers as child processes, on free loopback ports, in temporary directories.
//!
//! A server is stopped by its process id when its handle is dropped, and also when the test process dies without
//! dropping anything: its supervisor then sees the end of its standard input.

mod azurite;
mod browser;
pub mod cassandra;
pub mod cratedb;
mod fake_gcs;
mod http;
mod moto;
mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod seaweedfs;
mod signed;
mod sshd;
mod versitygw;

pub use azurite::{Azurite, azurite};
pub use browser::{Browser, browser};
pub use fake_gcs::{FakeGcs, fake_gcs};
pub use moto::{Moto, moto};
pub use pgbouncer::{PgBouncer, pgbouncer};
pub use ports::free_ports;
pub use postgres::{Postgres, Rows, Wire, new_databases, postgres, shared_postgres};
pub use process::Server;
pub use seaweedfs::{SeaweedFs, seaweedfs};
pub use signed::Signed;
pub use sshd::{Sshd, sshd};
pub use versitygw::{VersityGw, versitygw};
