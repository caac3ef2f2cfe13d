//! Commands where the file system of the state has no space left: what reads and what restores works without a journal.

use std::path::Path;
use std::sync::Arc;

use ostler_operations::Engine;
use ostler_state::NoSpace;
use ostler_vocabulary::{Clock, ErrorKind, Failure};

use super::Runtime;
use crate::settings::Settings;

impl Runtime {
    /// Opens the runtime of one command, as [`Runtime::open`] does. Where the file system of the state has no space left, what reads and what restores works all
    /// the same, with its journal in memory.
    ///
    /// # Errors
    /// As [`Runtime::open`].
    pub fn open_for_command(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let place = settings.state_place()?;
        let full = match place.no_space() {
            Some(full) => full.to_string(),
            None => match Self::open(settings.clone(), Arc::clone(&clock)) {
                Err(failure) if failure.is::<NoSpace>() => failure.messages().join(": "),
                other => return other,
            },
        };
        tracing::warn!("{full}: nothing that this command does is recorded there");
        let engine = Engine::in_memory(Arc::clone(&clock));
        Ok(Self::made(settings, engine, place, clock, None, true))
    }

    /// Whether nothing of what is done is recorded, because the state has no space left.
    pub(crate) fn is_unrecorded(&self) -> bool {
        self.inner.is_unrecorded
    }

    /// Refuses what needs the record of operations, where there is none.
    pub(super) fn needs_record(&self) -> Result<(), Failure> {
        match self.inner.is_unrecorded {
            true => Err(no_space(&self.inner.settings.state_directory)),
            false => Ok(()),
        }
    }
}

/// Refuses what cannot be done without a record.
fn no_space(directory: &Path) -> Failure {
    let message = format!("no space left on the file system of {}", directory.display());
    Failure::new(ErrorKind::Internal, message)
        .context("this is not done without the record of operations")
        .with_hint("free some MiB there; `ostler backup list` and `ostler restore` work meanwhile")
}
