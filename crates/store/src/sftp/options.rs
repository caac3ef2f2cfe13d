//! Settings of a store that is reached by SSH.

use std::path::PathBuf;

use ostler_vocabulary::Span;
use serde::Deserialize;

/// Settings of a store that is reached by SSH. What is not set is as the SSH client's own configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftpOptions {
    /// The private key; the agent's and the usual ones if none.
    pub identity_file: Option<PathBuf>,
    /// The keys of hosts that are trusted; `~/.ssh/known_hosts` and the system's if none.
    pub known_hosts_file: Option<PathBuf>,
    /// The SSH client's own configuration file; `~/.ssh/config` and the system's if none.
    pub config_file: Option<PathBuf>,
    /// The longest an answer may take; two minutes if none.
    pub timeout: Option<Span>,
}
