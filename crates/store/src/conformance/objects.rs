//! Single objects: bytes, ranges, absence.

use bytes::Bytes;

use super::{Expect, Finding, Place, ensure, ensure_same, noise, said};
use crate::{Error, list_all};

pub(super) async fn round_trip(at: Place, expect: Expect) -> Finding {
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

pub(super) async fn ranges(at: Place) -> Finding {
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

pub(super) async fn missing(at: Place) -> Finding {
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

pub(super) async fn never_replaces(at: Place) -> Finding {
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

pub(super) async fn deletes(at: Place) -> Finding {
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
