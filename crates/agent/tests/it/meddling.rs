//! What happens between the moment at which files are held still and the one at which the first of them is read.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler_api::Node;
use ostler_api::node::{Selection, Upload, Uploaded};
use ostler_vocabulary::{Clock, Failure, Progress, SystemClock, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::world::{World, progress};

pub type Deed = Box<dyn FnOnce() + Send>;

/// Does its deed when a worker first asks for the time: what there is to read is known by then, and nothing was opened.
struct Meddler {
    clock: SystemClock,
    progress: Progress,
    deed: Mutex<Option<Deed>>,
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

impl Clock for Meddler {
    fn now(&self) -> Timestamp {
        if self.progress.read().total > 0 {
            // Whoever comes meanwhile waits.
            let mut deed = self.deed.lock().unwrap();
            if let Some(deed) = deed.take() {
                deed();
            }
        }
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

/// An upload with that deed in its middle.
pub async fn upload(
    world: &mut World,
    selection: Selection,
    cancel: &CancellationToken,
    deed: Deed,
) -> Result<Uploaded, Failure> {
    let progress = progress();
    world.options.clock = Arc::new(Meddler {
        clock: SystemClock::default(),
        progress: progress.clone(),
        deed: Mutex::new(Some(deed)),
    });
    let request = Upload {
        backup: world.backup,
        selection,
        parent: None,
        read_all: false,
    };
    let uploaded = world.node().await.upload(&request, &progress, cancel).await;
    world.options.clock = Arc::new(SystemClock::default());
    uploaded
}
