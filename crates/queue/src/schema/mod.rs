//! PgQ's schema: what it is made of, and how it comes into a database.

mod embedded;

pub use embedded::script;
