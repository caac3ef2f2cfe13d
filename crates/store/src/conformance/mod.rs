//! The suite that every [`Store`](crate::Store) passes: back ends, decorators, and those that are still to be written.
//!
//! Each check works below a prefix of its own, so that all can run in one store, also one that others use.

mod listing;
mod objects;
mod races;
mod versions;

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;

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
    /// Whether a name can be taken again once a delete marker hides what it named. Off for services that take the marker
    /// for an object; nothing then ever takes the place of what was hidden.
    pub hidden_names_are_free: bool,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            large: 32 << 20,
            order_across_folders: true,
            hidden_names_are_free: true,
        }
    }
}

/// Runs every check below `prefix` (parts of a key, no `/` at its end) and returns what was found wrong.
pub async fn check(store: &Arc<dyn Store>, prefix: &str, expect: Expect) -> Vec<String> {
    let at = |name: &str| Place {
        store: Arc::clone(store),
        prefix: format!("{prefix}/{name}"),
    };
    let checks: [(&str, BoxFuture<'_, Finding>); _] = [
        (
            "round trip",
            objects::round_trip(at("round-trip"), expect).boxed(),
        ),
        ("ranges", objects::ranges(at("ranges")).boxed()),
        ("missing objects", objects::missing(at("missing")).boxed()),
        ("never replaces", objects::never_replaces(at("replace")).boxed()),
        ("one winner", races::one_winner(at("winner")).boxed()),
        ("racing deletes", races::racing_deletes(at("racing")).boxed()),
        ("deletes", objects::deletes(at("deletes")).boxed()),
        ("names", listing::names(at("names")).boxed()),
        ("order", listing::order(at("order"), expect).boxed()),
        ("pages", listing::pages(at("pages")).boxed()),
    ];
    let mut found = Vec::new();
    for (name, finding) in checks {
        let Err(what) = finding.await else { continue };
        found.push(format!("{name}: {what}"));
        // Every other check would wait as long for the same answer.
        if let Err(error) = store.list(prefix, None).await {
            found.push(format!("the store failed, nothing more was checked: {error}"));
            return found;
        }
    }
    found.extend(location(store).err());
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
