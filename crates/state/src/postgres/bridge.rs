//! Async calls from code that waits: stores are blocking, and the PostgreSQL client is not.

use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

use crate::Error;

/// One thread that carries bytes for all sessions of the process. It lives as long as the process.
fn carrier() -> Result<&'static Runtime, Error> {
    static CARRIER: OnceLock<Option<Runtime>> = OnceLock::new();
    CARRIER
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("state")
                .enable_all()
                .build()
                .ok()
        })
        .as_ref()
        .ok_or(Error::ShuttingDown)
}

/// Has the future carried out there, and waits for it. On a thread of a runtime of several threads, others take over its tasks.
pub(super) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T, Error> {
    let (sender, receiver) = sync_channel(1);
    carrier()?.spawn(async move {
        // Who asked waits.
        let _ = sender.send(future.await);
    });
    patiently(|| receiver.recv()).map_err(|_| Error::ShuttingDown)
}

/// Waits for something, without holding up the tasks of this thread's runtime where that can be.
pub(super) fn patiently<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(work)
        }
        _ => work(),
    }
}
