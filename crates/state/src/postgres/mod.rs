//! The state in a PostgreSQL database that several servers share.

mod bridge;
mod open;
mod schema;
mod server;
pub(crate) mod statement;

pub(crate) use open::Open;
pub(crate) use schema::Schema;
pub use server::Server;
