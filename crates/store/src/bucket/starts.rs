//! Where listings go on, for services that go on by tokens of their own only.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::Key;

/// So many listings can be read at the same time without one being begun again.
const KEPT: usize = 32;

/// The newest tokens, each by the listing's prefix and the last key before it. A listing whose token was forgotten
/// begins at its beginning, which costs requests and changes nothing else.
#[derive(Debug, Default)]
pub(super) struct Starts {
    known: Mutex<VecDeque<Start>>,
}

#[derive(Debug)]
struct Start {
    prefix: String,
    after: Key,
    token: String,
}

impl Starts {
    pub(super) fn token(&self, prefix: &str, after: Option<&Key>) -> Option<String> {
        let after = after?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find(|start| start.prefix == prefix && start.after == *after)
            .map(|start| start.token.clone())
    }

    pub(super) fn remember(&self, prefix: &str, after: &Key, token: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|start| start.prefix != prefix || start.after != *after);
        if known.len() == KEPT {
            known.pop_front();
        }
        known.push_back(Start {
            prefix: prefix.to_owned(),
            after: after.clone(),
            token: token.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Starts};
    use crate::Key;

    #[test]
    fn the_newest_tokens_are_known_and_older_ones_forgotten() {
        let starts = Starts::default();
        let key = |number: usize| Key::new(format!("k{number}")).expect("a key");
        for number in 0..=KEPT {
            starts.remember("k", &key(number), &number.to_string());
        }
        assert_eq!(starts.token("k", Some(&key(0))), None);
        assert_eq!(starts.token("k", Some(&key(KEPT))), Some(KEPT.to_string()));
        assert_eq!(starts.token("other", Some(&key(KEPT))), None);
        assert_eq!(starts.token("k", None), None);
        starts.remember("k", &key(1), "new");
        assert_eq!(starts.token("k", Some(&key(1))), Some("new".to_owned()));
    }
}
