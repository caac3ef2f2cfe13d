//! The suite that every [`Store`](crate::Store) passes: back ends, decorators, and those that are still to be written.
//!
//! Each check works below a prefix of its own, so that all can run in one store, also one that others use.

mod listing;
mod objects;
mod races;
mod versions;

use std::sync::Arc;

use bytes::Bytes;

pub use versions::check_versions;

use crate::{Error, Key, Store};

/// What a check found; the text says what was expected.
pub type Finding = Result<(), String>;

/// What the suite may expect of a store.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// Bytes of the large object.
    pub large: usize,
    /// Whether folders mean nothing to a listing. Off for services that keep folders: they sort within each of them,
    /// so that `a/b` comes before `a-b`, and a listing after the name of a folder leaves out what is in it.
    pub order_across_folders: bool,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            large: 32 << 20,
            order_across_folders: true,
        }
    }
}

/// Runs every check below `prefix` (parts of a key, no `/` at its end) and returns what was found wrong.
pub async fn check(store: &Arc<dyn Store>, prefix: &str, expect: Expect) -> Vec<String> {
    let at = |name: &str| Place {
        store: Arc::clone(store),
        prefix: format!("{prefix}/{name}"),
    };
    let mut found = Vec::new();
    let mut note = |name: &str, finding: Finding| {
        if let Err(what) = finding {
            found.push(format!("{name}: {what}"));
        }
    };
    note("round trip", objects::round_trip(at("round-trip"), expect).await);
    note("ranges", objects::ranges(at("ranges")).await);
    note("missing objects", objects::missing(at("missing")).await);
    note("never replaces", objects::never_replaces(at("replace")).await);
    note("one winner", races::one_winner(at("winner")).await);
    note("racing deletes", races::racing_deletes(at("racing")).await);
    note("deletes", objects::deletes(at("deletes")).await);
    note("names", listing::names(at("names")).await);
    note("order", listing::order(at("order"), expect).await);
    note("pages", listing::pages(at("pages")).await);
    note("location", location(store));
    found
}

struct Place {
    store: Arc<dyn Store>,
    prefix: String,
}

impl Place {
    fn key(&self, name: &str) -> Result<Key, String> {
        Key::new(format!("{}/{name}", self.prefix)).map_err(said("a key"))
    }

    async fn put(&self, name: &str, body: impl Into<Bytes>) -> Result<Key, String> {
        let key = self.key(name)?;
        self.store
            .create(&key, body.into())
            .await
            .map_err(said("create"))?;
        Ok(key)
    }
}

fn said(what: &str) -> impl Fn(Error) -> String {
    move |error| match std::error::Error::source(&error) {
        Some(cause) => format!("{what}: {error}: {cause}"),
        None => format!("{what}: {error}"),
    }
}

fn ensure(right: bool, what: impl FnOnce() -> String) -> Finding {
    if right { Ok(()) } else { Err(what()) }
}

fn ensure_same<T: PartialEq + std::fmt::Debug>(got: &T, wanted: &T, what: &str) -> Finding {
    ensure(got == wanted, || format!("{what} is {got:?} and not {wanted:?}"))
}

/// Bytes that no one repeats by chance and no compression shortens.
fn noise(length: usize, mut seed: u64) -> Bytes {
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(seed ^ (seed >> 29)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

fn location(store: &Arc<dyn Store>) -> Finding {
    ensure(!store.location().is_empty(), || {
        "the location is empty".to_owned()
    })
}
