//! The suite that every [`Store`](crate::Store) passes: back ends, decorators, and those that are still to be written.
//!
//! Each check works below a prefix of its own, so that all can run in one store, also one that others use.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;

use crate::{Error, Key, PAGE, Store, list_all};

/// What a check found; the text says what was expected.
pub type Finding = Result<(), String>;

/// What the suite may expect of a store.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// Bytes of the large object.
    pub large: usize,
    /// Whether listings must be in byte order too where names of one folder go on with `-` or `.` behind the name of
    /// another folder (`a-b` and `a/b`). Off for services that keep folders and sort within each of them.
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
    note("round trip", round_trip(at("round-trip"), expect).await);
    note("ranges", ranges(at("ranges")).await);
    note("missing objects", missing(at("missing")).await);
    note("never replaces", never_replaces(at("replace")).await);
    note("one winner", one_winner(at("winner")).await);
    note("racing deletes", racing_deletes(at("racing")).await);
    note("deletes", deletes(at("deletes")).await);
    note("names", names(at("names")).await);
    note("order", order(at("order"), expect).await);
    note("pages", pages(at("pages")).await);
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

async fn round_trip(at: Place, expect: Expect) -> Finding {
    for (number, length) in [0, 1, 4095, 4096, 4097, 1 << 20, expect.large]
        .into_iter()
        .enumerate()
    {
        let body = noise(length, number as u64);
        let key = at.put(&format!("object-{number}"), body.clone()).await?;
        let got = at.store.get(&key).await.map_err(said("get"))?;
        ensure(got == body, || format!("{length} bytes came back changed"))?;
        let head = at.store.head(&key).await.map_err(said("head"))?;
        ensure_same(&head.key, &key, "the key that head tells")?;
        ensure_same(&head.size, &(length as u64), "the size that head tells")?;
        ensure(head.modified.is_some(), || "head tells no time".to_owned())?;
    }
    Ok(())
}

async fn ranges(at: Place) -> Finding {
    let body = noise(10_000, 7);
    let key = at.put("object", body.clone()).await?;
    for (start, end) in [
        (0, 1),
        (0, 10_000),
        (1, 4097),
        (9_999, 10_000),
        (0, 0),
        (5, 5),
        (10_000, 10_000),
    ] {
        let got = at
            .store
            .get_range(&key, start..end)
            .await
            .map_err(said("get_range"))?;
        let wanted = body.slice(start as usize..end as usize);
        ensure(got == wanted, || {
            format!("the range {start}..{end} is {} bytes and wrong", got.len())
        })?;
    }
    for (start, end) in [
        (0, 10_001),
        (9_999, 10_001),
        (10_000, 10_001),
        (20_000, 30_000),
        (20_000, 20_000),
        (0, u64::MAX),
    ] {
        let got = at.store.get_range(&key, start..end).await;
        ensure(matches!(got, Err(Error::Short { .. })), || {
            format!("the range {start}..{end} of 10000 bytes gave {got:?}")
        })?;
    }
    #[expect(clippy::reversed_empty_ranges, reason = "that is what must be refused")]
    let got = at.store.get_range(&key, 5..4).await;
    ensure(matches!(got, Err(Error::Range { .. })), || {
        format!("a range from 5 to 4 gave {got:?}")
    })?;
    let empty = at.put("empty", Bytes::new()).await?;
    let got = at
        .store
        .get_range(&empty, 0..0)
        .await
        .map_err(said("get_range"))?;
    ensure(got.is_empty(), || "an empty object is not empty".to_owned())?;
    let got = at.store.get_range(&empty, 0..1).await;
    ensure(matches!(got, Err(Error::Short { .. })), || {
        format!("a byte of an empty object: {got:?}")
    })
}

async fn missing(at: Place) -> Finding {
    at.put("folder/object", "here").await?;
    // Also a name that is only the folder of an object.
    for name in ["object", "folder", "folder/other", "no/such/folder"] {
        let key = at.key(name)?;
        let got = at.store.get(&key).await;
        ensure(matches!(got, Err(Error::NotFound(_))), || {
            format!("get of `{name}` gave {got:?}")
        })?;
        let got = at.store.get_range(&key, 0..1).await;
        ensure(matches!(got, Err(Error::NotFound(_))), || {
            format!("get_range of `{name}` gave {got:?}")
        })?;
        let got = at.store.head(&key).await;
        ensure(matches!(got, Err(Error::NotFound(_))), || {
            format!("head of `{name}` gave {got:?}")
        })?;
    }
    let page = at
        .store
        .list(&format!("{}/none/", at.prefix), None)
        .await
        .map_err(said("list"))?;
    ensure(page.objects.is_empty() && page.next.is_none(), || {
        format!("a listing of nothing gave {page:?}")
    })?;
    let refused = at.store.list("../", None).await;
    ensure(matches!(refused, Err(Error::Key { .. })), || {
        format!("a listing of `../` gave {refused:?}")
    })
}

async fn never_replaces(at: Place) -> Finding {
    let key = at.put("object", "first").await?;
    for second in ["other", "first", "", "longer than the first"] {
        let again = at.store.create(&key, second.into()).await;
        ensure(matches!(again, Err(Error::AlreadyExists(_))), || {
            format!("a second create gave {again:?}")
        })?;
    }
    let got = at.store.get(&key).await.map_err(said("get"))?;
    ensure(got == "first", || "the object was replaced".to_owned())
}

async fn all_at_once<F, T>(futures: impl Iterator<Item = F>) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = futures.map(tokio::spawn).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.extend(task.await);
    }
    results
}

async fn one_winner(at: Place) -> Finding {
    for round in 0..4u8 {
        let key = at.key(&format!("object-{round}"))?;
        let results = all_at_once((0..16u8).map(|writer| {
            let (store, key) = (Arc::clone(&at.store), key.clone());
            async move { (writer, store.create(&key, vec![writer; 50_000].into()).await) }
        }))
        .await;
        let winners: Vec<u8> = results
            .iter()
            .filter(|(_, done)| done.is_ok())
            .map(|(writer, _)| *writer)
            .collect();
        ensure(winners.len() == 1 && results.len() == 16, || {
            format!(
                "{} of 16 writers of one key were told that they created it",
                winners.len()
            )
        })?;
        for (_, done) in &results {
            ensure(matches!(done, Ok(()) | Err(Error::AlreadyExists(_))), || {
                format!("a loser of the race was told {done:?}")
            })?;
        }
        let got = at.store.get(&key).await.map_err(said("get"))?;
        ensure(got == vec![winners[0]; 50_000], || {
            "the object is not the winner's".to_owned()
        })?;
    }
    Ok(())
}

/// Creates beside deletes that empty the same folder must not disturb each other.
async fn racing_deletes(at: Place) -> Finding {
    let results = all_at_once((0..16u8).map(|worker| {
        let store = Arc::clone(&at.store);
        let key = at.key(&format!("folder/deeper/{worker}"));
        async move {
            let key = key?;
            for _ in 0..8 {
                store.create(&key, "x".into()).await.map_err(said("create"))?;
                store.head(&key).await.map_err(said("head"))?;
                store.delete(&key).await.map_err(said("delete"))?;
            }
            Ok::<(), String>(())
        }
    }))
    .await;
    results.into_iter().collect()
}

async fn deletes(at: Place) -> Finding {
    let key = at.put("object", "here").await?;
    let beside = at.put("object-beside", "here").await?;
    for _ in 0..2 {
        at.store.delete(&key).await.map_err(said("delete"))?;
        let got = at.store.head(&key).await;
        ensure(matches!(got, Err(Error::NotFound(_))), || {
            format!("a deleted object: {got:?}")
        })?;
    }
    at.store
        .head(&beside)
        .await
        .map_err(said("the object beside a deleted one"))?;
    at.store
        .delete(&at.key("no/such/folder")?)
        .await
        .map_err(said("delete of nothing"))?;
    let left = list_all(&*at.store, &at.prefix).await.map_err(said("list"))?;
    ensure_same(&left.len(), &1, "the number of objects that are left")?;
    at.store
        .create(&key, "again".into())
        .await
        .map_err(said("create after delete"))?;
    let got = at.store.get(&key).await.map_err(said("get"))?;
    ensure(got == "again", || {
        "the object that was made again is not the new one".to_owned()
    })
}

async fn names(at: Place) -> Finding {
    let long = "l".repeat(255);
    let deep = ["d"; 60].join("/");
    let mut keys = BTreeSet::new();
    for name in [
        "a",
        "A",
        "=",
        "-",
        "_",
        "...",
        "..a",
        ".hidden",
        "tmp",
        "a.b-c_d=e",
        "0",
        "z.",
        &long,
        &deep,
    ] {
        let key = at.put(name, name.to_owned()).await?;
        let got = at.store.get(&key).await.map_err(said("get"))?;
        ensure(got == name, || format!("`{name}` holds something else"))?;
        keys.insert(key);
    }
    let listed = list_all(&*at.store, &format!("{}/", at.prefix))
        .await
        .map_err(said("list"))?;
    let listed: BTreeSet<Key> = listed.into_iter().map(|object| object.key).collect();
    ensure_same(&listed, &keys, "the list of odd names")
}

async fn order(at: Place, expect: Expect) -> Finding {
    let mut names = vec![
        "b/1", "b/2", "a/x/1", "a/x/2", "a/y", "B/0", "ab", "b/10", "c", "a/x2",
    ];
    if expect.order_across_folders {
        names.extend(["a-b", "a.b", "a0", "b-/1", "b.c/d", "a/x-1"]);
    }
    for name in &names {
        at.put(name, (*name).to_owned()).await?;
    }
    names.sort_unstable();
    for prefix in ["", "a", "a/", "a/x", "a/x/", "a/x/1", "b", "b/1", "zz", "B"] {
        let wanted: Vec<String> = names
            .iter()
            .filter(|name| name.starts_with(prefix))
            .map(|name| format!("{}/{name}", at.prefix))
            .collect();
        let full = format!("{}/{prefix}", at.prefix);
        let listed = list_all(&*at.store, &full).await.map_err(said("list"))?;
        for object in &listed {
            let wanted = object.key.as_str().len() - at.prefix.len() - 1;
            ensure_same(&object.size, &(wanted as u64), "a size in a listing")?;
        }
        let keys: Vec<String> = listed.iter().map(|object| object.key.to_string()).collect();
        ensure_same(&keys, &wanted, &format!("the listing of `{prefix}`"))?;
        // From every place within, and from places where there is no object.
        for after in
            names
                .iter()
                .map(|name| (*name).to_owned())
                .chain(["a".into(), "a/x/11".into(), "zzz".into()])
        {
            let start = at.key(&after)?;
            let page = at.store.list(&full, Some(&start)).await.map_err(said("list"))?;
            let keys: Vec<String> = page.objects.iter().map(|object| object.key.to_string()).collect();
            let wanted: Vec<String> = wanted
                .iter()
                .filter(|key| key.as_str() > start.as_str())
                .cloned()
                .collect();
            ensure_same(
                &keys,
                &wanted,
                &format!("the listing of `{prefix}` after `{after}`"),
            )?;
        }
    }
    Ok(())
}

async fn pages(at: Place) -> Finding {
    let count = 2 * PAGE + 1;
    let creating =
        futures::stream::iter((0..count).map(|number| at.put_numbered(number))).buffer_unordered(16);
    let created: Vec<Result<Key, String>> = creating.collect().await;
    let keys: BTreeSet<Key> = created.into_iter().collect::<Result<_, String>>()?;
    let full = format!("{}/", at.prefix);
    let mut listed = Vec::new();
    let mut after = None;
    let mut pages = 0;
    loop {
        let page = at.store.list(&full, after.as_ref()).await.map_err(said("list"))?;
        pages += 1;
        ensure(page.objects.len() <= PAGE, || {
            format!("a page has {} objects", page.objects.len())
        })?;
        listed.extend(page.objects.into_iter().map(|object| object.key));
        match page.next {
            Some(next) if pages < count => after = Some(next),
            _ => break,
        }
    }
    ensure(pages <= 4, || format!("{count} objects came in {pages} pages"))?;
    ensure(listed == keys.into_iter().collect::<Vec<_>>(), || {
        format!("{} of {count} objects were listed, or not in order", listed.len())
    })
}

impl Place {
    async fn put_numbered(&self, number: usize) -> Result<Key, String> {
        self.put(&format!("{:02}/{number:04}", number % 7), Bytes::new())
            .await
    }
}

fn location(store: &Arc<dyn Store>) -> Finding {
    ensure(!store.location().is_empty(), || {
        "the location is empty".to_owned()
    })
}
