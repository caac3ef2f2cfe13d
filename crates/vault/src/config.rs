//! `vault.json`: what a vault is, readable without a key, believed only with one.

use ostler_vocabulary::{Timestamp, VaultId};

use crate::cipher::Suite;

/// What `vault.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) id: VaultId,
    pub(crate) created: Timestamp,
    pub(crate) suite: Suite,
}
