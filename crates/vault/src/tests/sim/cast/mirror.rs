//! Who copies backups of another vault.

use std::sync::Arc;

use futures::future::BoxFuture;
use ostler_vocabulary::{BackupId, OperationId, VaultId};

use super::super::schedule::process;
use super::super::store::View;
use super::{commit, record, rest, store};
use crate::{Error, Intent, Origin, Place, Record, Vault};

pub(super) fn mirror<'a>(view: &'a View, vault: &'a Arc<Vault>, copies: u64) -> BoxFuture<'a, ()> {
    Box::pin(mirror_all(view, vault, copies))
}

async fn mirror_all(view: &View, vault: &Arc<Vault>, copies: u64) {
    for _ in 0..copies {
        rest(view, vault, 60_000).await;
        let owner = process(view);
        let intent = {
            let mut state = view.world.state();
            let number = state.dice.below(2) as u8;
            let mut id = [0xcc; 16];
            id[1] = number;
            let backup = BackupId::from_bytes(id);
            state.contents.insert(backup, vec![number, number + 1]);
            // Another run by the same process is another operation.
            id[2..10].copy_from_slice(&state.dice.next().to_be_bytes());
            Intent {
                backup,
                operation: OperationId::from_bytes(id),
                started: state.time(),
                host: "host".to_owned(),
                paths: vec!["/data".into()],
                name: None,
                owner,
                attempt: None,
            }
        };
        if let Err(error) = copy(view, vault, &intent).await {
            view.world.state().note(view.actor, || format!("fails: {error}"));
        }
    }
}

/// One copy; what is left of one that fails is for whoever comes next.
async fn copy(view: &View, vault: &Arc<Vault>, intent: &Intent) -> Result<(), Error> {
    if vault.place(intent.backup).await? != Place::Free {
        return Ok(());
    }
    let writer = vault.begin_copy(intent).await?;
    let contents = view.world.state().contents.get(&intent.backup).cloned();
    let mut sole = writer.is_sole();
    let index = vault.index(!sole).await?;
    let list = store(vault, index, contents.unwrap_or_default()).await?;
    let origin = Origin {
        vault: VaultId::from_bytes([9; 16]),
        backup: intent.backup,
        at: intent.started,
        lists: Vec::new(),
    };
    let record = Record {
        origin: Some(origin),
        ..record(intent, list)
    };
    let index = vault.index(false).await?;
    let packs = vault.pack_set(&index, &record).await?;
    if vault.check_presence(&index, &packs).await?.is_empty() {
        commit(view, writer, &record, &packs, &mut sole).await?;
    }
    Ok(())
}
