//! Who takes part: writers, mirrors, collectors and rotators, each doing what the operations do.

mod checker;
mod collector;
mod mirror;
mod rotator;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use ostler_vocabulary::{BackupId, Classified, OperationId};

use super::schedule::{process, seen};
use super::store::View;
use super::world::State;
use crate::list::{Entry, EntryKind, Extent, ListWriter, Metadata};
use crate::{ChunkKind, Counts, Error, Index, Intent, NodeRecord, Record, Vault, Writer};

pub(super) use rotator::{give_up_epochs, next_epoch};

#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Writer {
        backups: u64,
    },
    Collector {
        rounds: u64,
        grace: Duration,
    },
    /// Who rotates keys, some because they have leaked.
    Rotator {
        rotations: u64,
    },
    /// Checks the vault beside the others.
    Checker {
        checks: u64,
    },
    /// Copies backups of another vault: whoever does, copies them under the same ids.
    Mirror {
        copies: u64,
    },
}

/// Different chunks that there are.
const CHUNKS: u64 = 7;

/// The life of one process.
pub(super) async fn live(view: View, base: Arc<Vault>, role: Role) {
    let vault = seen(&base, &view);
    // In other histories there is one epoch for ever.
    while view.world.state().rotates && vault.renew_keys().await.is_err() {}
    match role {
        Role::Rotator { rotations } => rotator::rotate(&view, &vault, rotations).await,
        Role::Writer { backups } => write(&view, &vault, backups).await,
        Role::Collector { rounds, grace } => collector::collect(&view, &vault, rounds, grace).await,
        Role::Checker { checks } => checker::check(&view, &vault, checks).await,
        Role::Mirror { copies } => mirror::mirror(&view, &vault, copies).await,
    }
    view.world.state().actors[view.actor].over = true;
}

async fn rest(view: &View, vault: &Vault, longest: u64) {
    let time = view.world.state().dice.below(longest);
    vault.host().sleep(Duration::from_millis(time)).await;
}

fn write<'a>(view: &'a View, vault: &'a Arc<Vault>, backups: u64) -> BoxFuture<'a, ()> {
    Box::pin(write_all(view, vault, backups))
}

async fn write_all(view: &View, vault: &Arc<Vault>, backups: u64) {
    let job = view.world.state().jobs.get(&view.actor).cloned();
    if let Some(job) = job {
        let choice = view.world.state().dice.below(4);
        match choice {
            0 => give_up(view, vault, &job, false).await,
            1 => {}
            _ => make(view, vault, job).await,
        }
        view.world.state().jobs.remove(&view.actor);
    }
    let made = |state: &State| {
        let mine = state
            .contents
            .keys()
            .filter(|id| id.as_bytes()[0] == view.actor as u8);
        mine.count() as u64
    };
    while made(&view.world.state()) < backups {
        rest(view, vault, 60_000).await;
        let owner = process(view);
        let intent = {
            let mut state = view.world.state();
            let mut bytes = [view.actor as u8; 16];
            bytes[1..9].copy_from_slice(&state.dice.next().to_be_bytes());
            let backup = BackupId::from_bytes(bytes);
            let first = state.dice.below(CHUNKS);
            let count = 1 + state.dice.below(4);
            let contents = (first..first + count)
                .map(|chunk| (chunk % CHUNKS) as u8)
                .collect();
            state.contents.insert(backup, contents);
            Intent {
                backup,
                operation: OperationId::from_bytes(bytes),
                started: state.time(),
                host: "host".to_owned(),
                paths: vec!["/data".into()],
                name: None,
                owner,
                attempt: None,
            }
        };
        view.world.state().jobs.insert(view.actor, intent.clone());
        make(view, vault, intent).await;
        view.world.state().jobs.remove(&view.actor);
    }
}

/// One backup, with the retries of its steps.
async fn make(view: &View, vault: &Arc<Vault>, mut intent: Intent) {
    intent.owner = process(view);
    let mut sole = false;
    for _ in 0..4 {
        match attempt(view, vault, &intent, &mut sole).await {
            Ok(()) => {
                view.world.state().note(view.actor, || "was told OK".to_owned());
                view.world.state().told.insert(intent.backup);
                return;
            }
            Err(error) => {
                view.world.state().note(view.actor, || format!("fails: {error}"));
                if !error.kind().is_transient() {
                    break;
                }
            }
        }
    }
    give_up(view, vault, &intent, sole).await;
}

async fn give_up(view: &View, vault: &Arc<Vault>, intent: &Intent, sole: bool) {
    view.world
        .state()
        .note(view.actor, || format!("gives up, alone: {sole}"));
    for _ in 0..3 {
        match vault.abandon(intent.backup, sole).await {
            Err(error) if error.kind().is_transient() => {}
            _ => return,
        }
    }
}

async fn attempt(view: &View, vault: &Arc<Vault>, intent: &Intent, sole: &mut bool) -> Result<(), Error> {
    *sole = false;
    let writer = vault.begin(intent).await?;
    *sole = writer.is_sole();
    let contents = view
        .world
        .state()
        .contents
        .get(&intent.backup)
        .cloned()
        .unwrap_or_default();
    for round in 1..=2 {
        let index = vault.index_of(intent.backup, round > 1).await?;
        let list = store(vault, index, contents.clone()).await?;
        let record = record(intent, list);
        let index = vault.index_to_read(false).await?;
        let packs = match vault.pack_set(&index, &record).await {
            Ok(packs) => packs,
            Err(Error::ChunkUnknown(_) | Error::PackMissing { .. }) => continue,
            Err(error) if error.kind() == ostler_vocabulary::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if vault.check_presence(&index, &packs).await?.is_empty() {
            return commit(view, writer, &record, &packs, sole).await;
        }
    }
    Err(Error::Conflict("what was stored is not there".to_owned()))
}

async fn commit(
    view: &View,
    writer: Writer,
    record: &Record,
    packs: &[crate::PackId],
    sole: &mut bool,
) -> Result<(), Error> {
    *sole = false;
    let mut tries = 0;
    loop {
        tries += 1;
        match writer.commit(record, packs).await {
            Ok(()) => break,
            Err(error) if error.kind().is_transient() && tries < 4 => {}
            Err(error) => return Err(error),
        }
    }
    // Told now: that nobody waits for it any more is said afterwards.
    view.world.state().told.insert(record.backup);
    let _ = writer.finish().await;
    Ok(())
}

async fn store(vault: &Arc<Vault>, index: Arc<Index>, contents: Vec<u8>) -> Result<String, Error> {
    let upload = vault.upload(index);
    let (mut sink, mut list) = (upload.sink(), ListWriter::new(upload.sink()));
    let work = move || {
        for (number, chunk) in contents.iter().enumerate() {
            // Too short for being compressed.
            let body = [*chunk; 12];
            let content = vec![Extent::Chunk {
                id: sink.put(ChunkKind::Data, &body)?.id,
                length: 12,
            }];
            list.push(&Entry {
                path: format!("data/{number}").into_bytes(),
                kind: EntryKind::File {
                    size: 12,
                    content,
                    sparse: false,
                    racy: false,
                },
                metadata: Metadata::default(),
            })?;
        }
        sink.finish()?;
        list.finish()
    };
    let address = vault.host().blocking(work).await??;
    upload.finish().await?;
    Ok(address.to_string())
}

fn record(intent: &Intent, list: String) -> Record {
    Record {
        version: Record::VERSION,
        backup: intent.backup,
        operation: intent.operation,
        name: None,
        tags: Default::default(),
        started: intent.started,
        ended: intent.started,
        made_by: "simulation".to_owned(),
        parent: None,
        nodes: vec![NodeRecord {
            host: intent.host.clone(),
            driver: "files".to_owned(),
            paths: intent.paths.clone(),
            list,
            root: None,
        }],
        partial: false,
        counts: Counts::default(),
        problems: Vec::new(),
        objects_found: 0,
        evidence: None,
        origin: None,
        cluster: None,
    }
}
