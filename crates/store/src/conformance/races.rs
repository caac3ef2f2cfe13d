//! Many at the same time.

use std::future::Future;
use std::sync::Arc;

use super::{Finding, Place, ensure, said};
use crate::Error;

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

pub(super) async fn one_winner(at: Place) -> Finding {
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
pub(super) async fn racing_deletes(at: Place) -> Finding {
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
