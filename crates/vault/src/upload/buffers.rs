//! Memory of packs, used again and again.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Free buffers that are kept: those of two workers and of the packs in flight.
const KEPT: usize = 4;

/// Buffers that go round: fresh memory of this size costs as much as encrypting into it.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    pub(super) fn take(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default()
    }

    /// Bytes on their way to the store; the buffer comes back when the last of them is dropped.
    pub(super) fn lend(self: &Arc<Self>, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Pooled {
            bytes,
            pool: Arc::clone(self),
        })
    }

    fn give(&self, buffer: Vec<u8>) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(buffer);
        }
    }
}

struct Pooled {
    bytes: Vec<u8>,
    pool: Arc<Buffers>,
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}
