//! Where the state is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::sqlite::file_system::no_space;
use crate::{NoSpace, Server};

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

    /// Tells whether nothing can be written here because the file system has no space left.
    #[must_use]
    pub fn no_space(&self) -> Option<NoSpace> {
        match self {
            Self::Directory(directory) => no_space(directory),
            Self::Shared(_) => None,
        }
    }

    /// By how much this machine's clock is ahead of the one that all who share the state have in common, as far as that is
    /// known; negative when it is behind. Files have no clock of their own.
    #[must_use]
    pub fn clock_difference(&self) -> SignedDuration {
        match self {
            Self::Directory(_) => SignedDuration::ZERO,
            Self::Shared(server) => server.clock_difference(),
        }
    }
}

impl From<&Path> for Place {
    fn from(directory: &Path) -> Self {
        Self::Directory(directory.to_owned())
    }
}
