//! Where the state is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Server;

/// Where the state is.
#[derive(Debug, Clone)]
pub enum Place {
    /// SQLite files of this directory.
    Directory(PathBuf),
    /// Schemas of this PostgreSQL database, which other servers share.
    Shared(Arc<Server>),
}

impl Place {
    /// Whether several servers may share it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }
}

impl From<&Path> for Place {
    fn from(directory: &Path) -> Self {
        Self::Directory(directory.to_owned())
    }
}
