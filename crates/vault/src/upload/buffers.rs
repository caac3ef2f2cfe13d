//! Memory of packs, used again and again.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::host::GIVEN_BACK;

/// Free buffers that are kept: those of two workers and of the packs in flight.
const KEPT: usize = 4;

/// What the last chunk of a pack and its table may need beyond the pack's length: a chunk of 1 MiB that does not
/// compress, and what the table says of 16,000. Larger ones move the buffer.
const OVERHANG: usize = 2 << 20;

/// Buffers that go round: fresh memory of this size costs as much as encrypting into it.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// A buffer for a pack that is stored when it has become `full` bytes long. It has room for the chunk that goes
    /// beyond that, so that it is never moved, and more, so that it goes when the session is over; memory that is not
    /// written to costs nothing.
    pub(super) fn take(&self, full: usize) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = kept.unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact((full + OVERHANG).max(GIVEN_BACK));
        buffer
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
