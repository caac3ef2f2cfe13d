//! Waits until whoever puts files that belong together into a directory has put all of them there.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::handle::Handle;
use crate::Error;
use crate::path::shown;
use crate::stat::Stat;
use crate::stop::Stop;
use crate::walk::with_slash;

/// For how long no name may have come or gone. The names of one set are made within a millisecond or two.
const QUIET: Duration = Duration::from_millis(500);
/// For how long that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often somebody who stops is heard.
const STEP: Duration = Duration::from_millis(50);

/// Returns when no name came into this directory or went for a moment.
///
/// # Errors
/// [`Error::Restless`] where that does not come.
pub(super) fn wait(directory: &Handle, path: &[u8], stop: &Stop) -> Result<(), Error> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let Ok(stat) = Stat::of(directory) else {
            return Ok(());
        };
        let seconds = u64::try_from(stat.modified.seconds).unwrap_or(0);
        let modified = UNIX_EPOCH + Duration::new(seconds, stat.modified.nanoseconds);
        // A time that is still to come says nothing: such a directory is waited for once.
        let age = SystemTime::now().duration_since(modified);
        let age = age.unwrap_or_else(|_| began.elapsed());
        if age >= QUIET {
            return Ok(());
        }
        thread::sleep(STEP.min(QUIET.saturating_sub(age)));
        stop.check()?;
    }
    Err(Error::Restless {
        path: shown(&with_slash(path)),
        seconds: PATIENCE.as_secs(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::fs::{self, File};
    use std::sync::Arc;
    use std::time::{Instant, SystemTime};

    use super::{Handle, QUIET, wait};
    use crate::stop::Stop;

    #[test]
    fn a_directory_is_listed_no_sooner_than_it_was_quiet_for_a_moment() {
        let directory = tempfile::tempdir().unwrap();
        let look = || Handle::new(File::open(directory.path()).unwrap().into(), &Arc::default());
        fs::write(directory.path().join("Data"), "").unwrap();
        let written = Instant::now();
        wait(&look(), b"kept", &Stop::never()).unwrap();
        assert!(written.elapsed() >= QUIET - QUIET / 10, "{:?}", written.elapsed());

        // A clock that was put back since keeps nobody waiting for longer than that.
        let later = SystemTime::now() + 100 * QUIET;
        File::open(directory.path()).unwrap().set_modified(later).unwrap();
        let begun = Instant::now();
        wait(&look(), b"kept", &Stop::never()).unwrap();
        assert!(begun.elapsed() >= QUIET, "{:?}", begun.elapsed());
    }
}
