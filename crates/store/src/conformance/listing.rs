//! Listings: names, order, pages.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::StreamExt;

use super::{Expect, Finding, Place, ensure, ensure_same, said};
use crate::{Key, LONGEST_PAGE, PAGE, list_all};

pub(super) async fn names(at: Place) -> Finding {
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

pub(super) async fn order(at: Place, expect: Expect) -> Finding {
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
        let folder = expect.order_across_folders.then_some("a");
        for after in names.iter().copied().chain(["a/x/11", "zzz"]).chain(folder) {
            let start = at.key(after)?;
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

pub(super) async fn pages(at: Place) -> Finding {
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
        ensure(page.objects.len() <= LONGEST_PAGE, || {
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
