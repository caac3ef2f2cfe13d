//! What is particular about each database system: one folder each, with the same file names.
//!
//! Who uses it: `server`, which opens the driver that the configuration of a cluster names.
//!
//! The types to know: [`Wanted`] (what the configuration says of it) and [`open`]. The contract is that of
//! [`ostler_backup::driver::Driver`], and its suite is run by every driver.
//!
//! In each folder: `mod.rs` is the driver, `settings.rs` what of [`Wanted`] it understands, `status.rs` what it says of a
//! running system, `README.md` what it needs and does. To add one: a folder, and a line in [`DRIVERS`].
//!
//! Invariants: a driver keeps nothing between calls, so whoever resumes an operation needs nothing of the process before; it asks
//! agents for commands of their own configuration only; passwords are in no error.
//!
//! What is not here: files, chunks and lists, which are the same for all (`agent`, `backup`, `vault`).

pub mod cassandra;
mod error;
pub mod files;
mod options;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use error::Error;
pub use options::Said;
use ostler_backup::demand::Demand;
use ostler_backup::driver::Driver;
use ostler_vocabulary::Secret;
pub use ostler_wire::Identity;

/// What the configuration says of the database of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The cluster's name.
    pub cluster: String,
    /// Where the database of each node answers: a host, with a port where it is not the usual one.
    pub nodes: BTreeMap<String, String>,
    /// Who signs in.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Secret>,
    /// How TLS is spoken to it; `None` where it is not.
    pub tls: Option<Tls>,
    /// What only this driver knows.
    pub options: BTreeMap<String, Said>,
}

/// How TLS is spoken to the database of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The certificates of the authorities that are believed, as PEM; `None`: those that this system believes.
    pub authority: Option<String>,
    /// What is shown to a server that wants to know who asks.
    pub own: Option<Identity>,
    /// The name that a node's certificate is for, where it is not the host of its database.
    pub names: BTreeMap<String, String>,
}

/// A driver, before it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Commands that it has agents run, by name, as they usually are.
    pub commands: &'static [(&'static str, &'static str)],
    /// What it demands of every backup of each node, as the documents that are kept with one say.
    pub demands: fn(&BTreeMap<String, String>) -> BTreeMap<String, Demand>,
    open: fn(Wanted) -> Result<Arc<dyn Driver>, Error>,
}

/// All drivers.
pub const DRIVERS: &[Entry] = &[files::ENTRY, cassandra::ENTRY];

/// The driver of this name.
///
/// # Errors
/// [`Error::Unknown`], and what the driver does not understand.
pub fn open(name: &str, wanted: Wanted) -> Result<Arc<dyn Driver>, Error> {
    (find(name, &wanted.cluster)?.open)(wanted)
}

/// What is known of the driver of this name without a cluster of it.
///
/// # Errors
/// [`Error::Unknown`]
pub fn find(name: &str, cluster: &str) -> Result<&'static Entry, Error> {
    let found = DRIVERS.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| Error::Unknown {
        name: name.to_owned(),
        cluster: cluster.to_owned(),
    })
}
