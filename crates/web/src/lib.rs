//! Ostler over HTTP: the API, version 1, and the dashboard.
//!
//! Who uses it: `ostler serve` (the role `api`) calls [`serve`]; `ostler --server URL` talks through [`Remote`].
//!
//! The types to know: [`serve`] with its [`Site`], [`Access`] (who may do what, on disk, secrets hashed) and [`Remote`] (a
//! [`Client`](ostler_api::Client) over this API).
//!
//! Invariants: every route is in one table (`v1/table.rs`), from which the router and the OpenAPI document are made, each with
//! the least role that may use it; every failure becomes a status in one function ([`problem::status`]); what changes
//! something needs a token or a session with its CSRF token; no answer holds a secret but the token that was just made.
//! What is not here: what operations do, where state is, which addresses are listened on.

mod access;
mod door;
mod error;
mod guard;
mod pages;
pub mod problem;
mod refusal;
mod remote;
mod routes;
mod scoped;
mod serve;
mod v1;
mod witness;

pub use access::{
    Access, Identity, Reach, Rights, Role, Scope, TakenPassword, TakenToken, TakenUser, TokenSummary,
    UserSummary, new_password, new_signing_secret,
};
pub use door::Certificate;
pub use error::Error;
pub use remote::Remote;
pub use routes::{Guarded, guarded};
pub use serve::{Site, serve};
pub use v1::openapi;
pub use witness::{Sighting, Witness};

/// Calls a store's suite with a place in a directory, and with one in each release of PostgreSQL.
#[cfg(test)]
fn everywhere(check: impl Fn(&ostler_state::Place)) {
    let directory = tempfile::tempdir().unwrap();
    let databases = ostler_testkit::servers::new_databases();
    ostler_state::conformance::everywhere(directory.path(), databases, check);
}
