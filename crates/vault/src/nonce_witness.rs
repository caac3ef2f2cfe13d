//! Tests only: remembers every nonce that was used under every pack key, and panics at the second use.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

type Seen = HashSet<(Vec<u8>, [u8; 12])>;

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);

/// A pack key is known by its sealed form, which no two encapsulations share.
pub(crate) fn seen(sealed_key: &[u8], nonce: [u8; 12]) {
    // A history that is gone through again uses the same keys.
    if crate::host::is_simulated() {
        return;
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = seen.get_or_insert_default().insert((sealed_key.to_vec(), nonce));
    assert!(fresh, "a nonce was used twice under one key");
}

/// How many pairs were used so far.
pub(crate) fn pairs() -> usize {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.as_ref().map_or(0, HashSet::len)
}
