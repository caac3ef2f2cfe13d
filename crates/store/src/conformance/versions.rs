//! The suite that every [`Versions`](crate::Versions) passes.

use std::sync::Arc;
use std::time::Duration;

use ostler_vocabulary::Timestamp;

use super::{Expect, Finding, Place, ensure, ensure_same, said};
use crate::{Error, Key, PAGE, Store, Version, VersionId, Versions};

/// Runs every check below `prefix` of a store that keeps versions and locks, and returns what was found wrong. `now`
/// is the time by the store's clock. What it locks stays locked for some hours.
pub async fn check_versions(
    store: &Arc<dyn Store>,
    prefix: &str,
    now: Timestamp,
    expect: Expect,
) -> Vec<String> {
    let Some(versions) = store.versions() else {
        return vec!["it has no versions".to_owned()];
    };
    let at = |name: &str| Locking {
        place: Place {
            store: Arc::clone(store),
            prefix: format!("{prefix}/{name}"),
        },
        versions: Arc::clone(&versions),
        now,
        expect,
    };
    let mut found = Vec::new();
    for (name, finding) in [
        ("kept", at("kept").kept().await),
        ("history", at("history").history().await),
        ("locks", at("locks").locks().await),
        ("refusals", at("refusals").refusals().await),
        ("listing", at("listing").listing().await),
    ] {
        if let Err(what) = finding {
            found.push(format!("{name}: {what}"));
        }
    }
    found
}

struct Locking {
    place: Place,
    versions: Arc<dyn Versions>,
    now: Timestamp,
    expect: Expect,
}

impl Locking {
    /// Creates an object whose name a delete marker hides; whether the store did.
    async fn put_hidden(&self, name: &str) -> Result<bool, String> {
        let key = self.place.key(name)?;
        match self.place.store.create(&key, "again".into()).await {
            Ok(()) => Ok(true),
            Err(Error::AlreadyExists(_)) if !self.expect.hidden_names_are_free => Ok(false),
            Err(error) => Err(said("create")(error)),
        }
    }

    fn in_hours(&self, hours: u64) -> Timestamp {
        self.now + Duration::from_secs(hours * 3600)
    }

    async fn of(&self, key: &Key) -> Result<Vec<Version>, String> {
        self.versions
            .of(key)
            .await
            .map_err(said("the versions of an object"))
    }

    async fn bytes(&self, key: &Key, id: &VersionId) -> Result<bytes::Bytes, String> {
        self.versions.get(key, id, None).await.map_err(said("a version"))
    }

    async fn kept(&self) -> Finding {
        let kept = self.versions.kept().await.map_err(said("what is kept"))?;
        ensure(kept.versions && kept.locks, || format!("it keeps {kept:?} only"))
    }

    /// Created, hidden by a delete marker, created again: everything stays.
    async fn history(&self) -> Finding {
        let store = &self.place.store;
        let key = self.place.put("object", "first").await?;
        ensure_same(&self.of(&key).await?.len(), &1, "the number of versions")?;
        store.delete(&key).await.map_err(said("delete"))?;
        let got = store.get(&key).await;
        ensure(matches!(got, Err(Error::NotFound(_))), || {
            format!("a deleted object gave {got:?}")
        })?;
        let again = self.put_hidden("object").await?;
        let all = self.of(&key).await?;
        let markers: Vec<bool> = all.iter().map(|version| version.is_marker).collect();
        let mut wanted = vec![false, true];
        wanted.extend(again.then_some(false));
        ensure_same(&markers, &wanted, "which versions are delete markers")?;
        ensure_same(&all[0].size, &5, "the size of a version")?;
        ensure(all.iter().all(|version| version.modified.is_some()), || {
            "a version has no time".to_owned()
        })?;
        for (version, body) in all.iter().step_by(2).zip(["first", "again"]) {
            ensure_same(&self.bytes(&key, &version.id).await?, &body.into(), "a version")?;
        }
        let marker = self.versions.get(&key, &all[1].id, None).await;
        ensure(matches!(marker, Err(Error::NotFound(_))), || {
            format!("a delete marker gave {marker:?}")
        })?;
        let id = &all[0].id;
        for (range, wanted) in [(1..4, "irs"), (0..5, "first"), (2..2, ""), (5..5, "")] {
            let got = self.versions.get(&key, id, Some(range.clone())).await;
            let got = got.map_err(said("a part of a version"))?;
            ensure_same(&got, &wanted.into(), &format!("the bytes {range:?} of a version"))?;
        }
        for range in [0..6, 5..6, 9..9] {
            let got = self.versions.get(&key, id, Some(range.clone())).await;
            ensure(matches!(got, Err(Error::Short { .. })), || {
                format!("the bytes {range:?} of five gave {got:?}")
            })?;
        }
        for _ in 0..2 {
            for gone in all[1..].iter().rev() {
                let deleted = self.versions.delete_version(&key, &gone.id).await;
                deleted.map_err(said("delete of a version"))?;
            }
        }
        let got = store.get(&key).await.map_err(said("get"))?;
        ensure(got == "first", || {
            "without what was added later the first version is not back".to_owned()
        })
    }

    /// Nobody deletes what is locked, or makes the lock shorter.
    async fn locks(&self) -> Finding {
        let (store, versions) = (&self.place.store, &self.versions);
        let key = self.place.key("object")?;
        let created = versions
            .create_locked(&key, "kept".into(), self.in_hours(2))
            .await;
        created.map_err(said("create with a lock"))?;
        let first = self.of(&key).await?.remove(0).id;
        let until = |hours: u64| {
            let wanted = self.in_hours(hours);
            let key = &key;
            let first = &first;
            async move {
                let until = versions
                    .locked_until(key, first)
                    .await
                    .map_err(said("the lock"))?;
                ensure(
                    until.is_some_and(|until| until.duration_since(wanted).as_secs().abs() <= 2),
                    || format!("it is locked until {until:?} and not {wanted}"),
                )
            }
        };
        until(2).await?;
        store
            .delete(&key)
            .await
            .map_err(said("delete of a locked object"))?;
        let attacks = |when: &'static str| {
            let key = &key;
            let first = &first;
            async move {
                let deleted = versions.delete_version(key, first).await;
                ensure(deleted.is_err(), || {
                    format!("a locked version was deleted {when}")
                })?;
                ensure_same(&self.bytes(key, first).await?, &"kept".into(), "a locked version")
            }
        };
        attacks("at first").await?;
        versions
            .lock(&key, &first, self.in_hours(5))
            .await
            .map_err(said("a longer lock"))?;
        until(5).await?;
        // An error or not: what counts is that nothing became shorter.
        let _ = versions.lock(&key, &first, self.in_hours(1)).await;
        until(5).await?;
        attacks("after its lock was to be made shorter").await
    }

    async fn refusals(&self) -> Finding {
        let key = self.place.key("object")?;
        ensure_same(
            &self.of(&key).await?.len(),
            &0,
            "the number of versions of nothing",
        )?;
        let until = self.in_hours(1);
        let first = self.versions.create_locked(&key, "first".into(), until).await;
        first.map_err(said("create with a lock"))?;
        let second = self.versions.create_locked(&key, "second".into(), until).await;
        ensure(matches!(second, Err(Error::AlreadyExists(_))), || {
            format!("a second create gave {second:?}")
        })
    }

    async fn listing(&self) -> Finding {
        let mut keys = Vec::new();
        for name in ["a", "a-b", "b/1", "b/2", "c"] {
            keys.push(self.place.put(name, name.to_owned()).await?);
        }
        // Hidden, and hidden and there again.
        for hidden in [1, 3] {
            let deleted = self.place.store.delete(&keys[hidden]).await;
            deleted.map_err(said("delete"))?;
        }
        let versions = if self.put_hidden("b/2").await? { 3 } else { 2 };
        let all = format!("{}/", self.place.prefix);
        for (prefix, after, wanted) in [
            (
                all.clone(),
                None,
                vec![(0, 1), (1, 2), (2, 1), (3, versions), (4, 1)],
            ),
            (all.clone(), Some(1), vec![(2, 1), (3, versions), (4, 1)]),
            (all, Some(3), vec![(4, 1)]),
            (
                format!("{}/b", self.place.prefix),
                None,
                vec![(2, 1), (3, versions)],
            ),
            (format!("{}/z", self.place.prefix), None, vec![]),
        ] {
            let after: Option<&Key> = after.map(|at: usize| &keys[at]);
            let page = self.versions.list(&prefix, after).await;
            let page = page.map_err(said("a listing of versions"))?;
            ensure(page.keys.len() <= PAGE && page.next.is_none(), || {
                "a short listing goes on".to_owned()
            })?;
            let seen: Vec<(Key, usize)> = page.keys.into_iter().map(|(key, all)| (key, all.len())).collect();
            let wanted: Vec<(Key, usize)> = wanted
                .into_iter()
                .map(|(at, count): (usize, usize)| (keys[at].clone(), count))
                .collect();
            ensure_same(
                &seen,
                &wanted,
                &format!("the versions below `{prefix}` after {after:?}"),
            )?;
        }
        Ok(())
    }
}
