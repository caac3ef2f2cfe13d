//! The control plane: settings, and the runtime that wires vaults, engine and agent behind one client.
//!
//! Who uses it: `cli`, in its own process.
//!
//! The types to know: [`settings::Settings`] (the configuration in force), [`Runtime`] (a [`Client`](ostler_api::Client)
//! without a wire) and [`Error`].
//!
//! Invariants: the configuration is resolved once (defaults, file, environment, flags); no secret is ever in it or shown.
//! What is not here: what a backup is (`backup`), how files are read (`agent`), the words of the command line (`cli`).

pub mod agent;
pub mod audit;
mod error;
mod lock;
mod metrics;
pub mod outgoing;
pub mod queue;
mod runtime;
pub mod serve;
mod service_manager;
pub mod settings;
pub mod state;
pub mod ticker;
pub mod webhook;

pub use error::Error;
pub use ostler_queue::schema::script as queue_schema;
pub use runtime::{AddVault, ClusterInit, InitVault, KeySheet, NodeAddress, Opened, Runtime, TypedKey};

/// Calls a store's suite with a place in a directory, and with one in each release of PostgreSQL.
#[cfg(test)]
fn everywhere(check: impl Fn(&ostler_state::Place)) {
    let directory = tempfile::tempdir().unwrap();
    let databases = ostler_testkit::servers::new_databases();
    ostler_state::conformance::everywhere(directory.path(), databases, check);
}
