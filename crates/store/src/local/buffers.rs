//! Buffers that long stretches are read into, used again.
//!
//! Each read runs on whichever thread of the runtime is free. What these threads give back to the allocator stays in the
//! heaps that it keeps for each of them, so that a restore by two workers held a dozen stretches; and pages that are new cost
//! more time than the copy into them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Shorter ones are the allocator's business.
const SHORTEST: usize = 1 << 20;
/// Longer ones are rare.
const LONGEST: usize = 16 << 20;
/// Buffers that wait to be used again.
const KEPT: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Buffers {
    waiting: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Comes back when nobody reads it any more.
struct Lent {
    bytes: Vec<u8>,
    home: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffers {
    /// An empty buffer with room for at least so many bytes.
    pub(super) fn take(&self, length: usize) -> Vec<u8> {
        if (SHORTEST..=LONGEST).contains(&length) {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = waiting.iter().position(|buffer| buffer.capacity() >= length) {
                return waiting.swap_remove(at);
            }
            // One that is too short makes room for one that is not.
            waiting.pop();
        }
        Vec::with_capacity(length)
    }

    /// What was read into a buffer.
    pub(super) fn lend(&self, bytes: Vec<u8>) -> Bytes {
        if (SHORTEST..=LONGEST).contains(&bytes.capacity()) {
            let home = Arc::clone(&self.waiting);
            Bytes::from_owner(Lent { bytes, home })
        } else {
            bytes.into()
        }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut waiting = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < KEPT {
            waiting.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(buffers: &Buffers, length: usize, fill: u8) -> Bytes {
        let mut buffer = buffers.take(length);
        assert!(buffer.is_empty() && buffer.capacity() >= length);
        buffer.resize(length, fill);
        buffers.lend(buffer)
    }

    #[test]
    fn a_buffer_is_used_again_only_when_nobody_reads_it() {
        let buffers = Buffers::default();
        let first = read(&buffers, SHORTEST, 1);
        let part = first.slice(5..10);
        let place = first.as_ptr();
        drop(first);
        let second = read(&buffers, SHORTEST, 2);
        assert_ne!(second.as_ptr(), place);
        assert_eq!(part, [1; 5].as_slice());
        drop(part);
        let third = read(&buffers, SHORTEST, 3);
        assert_eq!(third.as_ptr(), place);
        assert!(second.iter().all(|byte| *byte == 2) && third.iter().all(|byte| *byte == 3));
    }

    #[test]
    fn few_are_kept_and_none_that_is_short_or_huge() {
        let buffers = Buffers::default();
        let many: Vec<Bytes> = [SHORTEST - 1, LONGEST + 1, SHORTEST, SHORTEST, LONGEST]
            .into_iter()
            .map(|length| read(&buffers, length, 0))
            .collect();
        drop(many);
        let waiting = |buffers: &Buffers| -> Vec<usize> {
            let waiting = buffers.waiting.lock().unwrap();
            waiting.iter().map(Vec::capacity).collect()
        };
        assert_eq!(waiting(&buffers), [SHORTEST; KEPT]);
        // Those that are too short do not stay for ever.
        drop(read(&buffers, LONGEST, 0));
        assert_eq!(waiting(&buffers), [SHORTEST, LONGEST]);
    }
}
