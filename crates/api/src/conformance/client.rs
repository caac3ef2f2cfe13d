//! The suite that every [`Client`] passes: the runtime in this process, the one behind HTTP. What operations do is tested
//! where they are; here, that whoever asks sees the same.

mod outward;

use std::path::{Path, PathBuf};

use ostler_vocabulary::{ErrorKind, Failure, OperationId};

use super::ensure;
use crate::client::{Event, Mark};
use crate::document::{BackupState, OperationState};
use crate::request::{CreateBackup, Delete, Filter, Restore, Selector};
use crate::{Client, Plan, Request};

/// Runs every check and returns what was found wrong. `directory` holds a regular file called `file`, and nothing else; `above` is
/// where directories may be made. There may be backups of other things already.
pub async fn check(client: &dyn Client, directory: &Path, file: &str, above: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |name: &str, finding: Result<(), String>| {
        if let Err(what) = finding {
            found.push(format!("{name}: {what}"));
        }
    };
    note("what is not there", nothing(client).await);
    note("plans", plans(client, directory).await);
    note("webhooks", outward::webhooks(client).await);
    note("metrics", outward::metrics(client).await);
    match life(client, directory).await {
        Err(what) => note("a backup", Err(what)),
        Ok((operation, backup)) => {
            note("operations", operations(client, operation).await);
            note("backups", backups(client, &backup).await);
            note("contents", contents(client, &backup, directory, file).await);
            note("vaults", vaults(client).await);
            note("a failure", failure(client, &backup, directory, above).await);
        }
    }
    found
}

fn told(attempt: &str) -> impl Fn(Failure) -> String {
    move |failure| format!("{attempt}: {failure:?}")
}

fn is<T>(answer: Result<T, Failure>, kind: ErrorKind, what: &str) -> Result<(), String> {
    match answer {
        Err(failure) if failure.kind() == kind && !failure.to_string().is_empty() => Ok(()),
        Err(failure) => Err(format!("{what}: not {kind} but {failure:?}")),
        Ok(_) => Err(format!("{what}: it succeeded")),
    }
}

fn selector(backup: &str) -> Selector {
    Selector {
        vault: None,
        backup: backup.to_owned(),
        filter: Filter::default(),
    }
}

fn create(paths: Vec<PathBuf>) -> Request {
    Request::CreateBackup(CreateBackup {
        paths,
        ..CreateBackup::default()
    })
}

async fn nothing(client: &dyn Client) -> Result<(), String> {
    let nowhere = selector("0123456789abcdef0123456789abcdef");
    is(client.backup(&nowhere).await, ErrorKind::NotFound, "a backup")?;
    is(
        client.operation("0123456789abcdef").await,
        ErrorKind::NotFound,
        "an operation",
    )?;
    is(
        client.vault(Some("no-such-vault")).await,
        ErrorKind::NotFound,
        "a vault",
    )?;
    is(client.files(&nowhere, None).await, ErrorKind::NotFound, "files")?;
    is(
        client.read_file(&nowhere, Path::new("/x"), false).await,
        ErrorKind::NotFound,
        "a content",
    )?;
    let nobody = OperationId::from_bytes([7; 16]);
    is(
        client.watch(nobody).await,
        ErrorKind::NotFound,
        "a watched operation",
    )?;
    is(
        client.cancel(nobody, false).await,
        ErrorKind::NotFound,
        "a cancelled operation",
    )?;
    is(
        client.resume(nobody).await,
        ErrorKind::NotFound,
        "a resumed operation",
    )
}

/// A plan changes nothing.
async fn plans(client: &dyn Client, directory: &Path) -> Result<(), String> {
    let before = client
        .operations(1000, None)
        .await
        .map_err(told("listing operations"))?;
    let plan = client
        .plan(create(vec![directory.to_owned()]))
        .await
        .map_err(told("planning"))?;
    ensure(!plan.digest.is_empty(), "the plan has no digest")?;
    let after = client
        .operations(1000, None)
        .await
        .map_err(told("listing operations again"))?;
    ensure(before == after, "a plan left an operation")
}

async fn carried_out(client: &dyn Client, plan: Plan) -> Result<(OperationId, Vec<Event>), String> {
    let id = client.start(plan).await.map_err(told("starting"))?;
    let mut watcher = client.watch(id).await.map_err(told("watching"))?;
    let mut events = Vec::new();
    while let Some(event) = watcher.recv().await {
        events.push(event);
    }
    Ok((id, events))
}

async fn life(client: &dyn Client, directory: &Path) -> Result<(OperationId, String), String> {
    let plan = client
        .plan(create(vec![directory.to_owned()]))
        .await
        .map_err(told("planning"))?;
    let (id, events) = carried_out(client, plan).await?;
    let succeeded = Event::Ended {
        state: OperationState::Succeeded,
    };
    ensure(
        events.last() == Some(&succeeded),
        &format!("the last event is {:?}", events.last()),
    )?;
    let ends = events
        .iter()
        .filter(|event| matches!(event, Event::Ended { .. }))
        .count();
    ensure(ends == 1, "it ended more than once")?;
    let list = client
        .backups(None, &Filter::default())
        .await
        .map_err(told("listing backups"))?;
    let newest = list.backups.first().ok_or("the list is empty")?;
    ensure(newest.state == BackupState::Complete, "it is not complete")?;
    let paths = newest.source.as_ref().map(|source| source.paths.as_slice());
    ensure(paths == Some(&[directory.to_owned()]), "it is of something else")?;
    Ok((id, newest.id.to_string()))
}

async fn operations(client: &dyn Client, id: OperationId) -> Result<(), String> {
    let whole = client
        .operation(&id.to_string())
        .await
        .map_err(told("by its id"))?;
    let prefix = client.operation(&id.short()).await.map_err(told("by a prefix"))?;
    ensure(whole == prefix, "a prefix finds another operation")?;
    ensure(
        whole.summary.state == OperationState::Succeeded,
        "it did not succeed",
    )?;
    ensure(
        !whole.steps.is_empty() && whole.outcome.is_some(),
        "its record is empty",
    )?;
    let list = client.operations(1, None).await.map_err(told("listing one"))?;
    ensure(
        list.operations.len() == 1 && list.operations[0] == whole.summary,
        "the list does not begin with the newest",
    )?;
    let older = client
        .operations(1000, Some(whole.summary.cursor()))
        .await
        .map_err(told("listing what was before it"))?;
    let all = client.operations(1000, None).await.map_err(told("listing all"))?;
    ensure(
        older.operations == all.operations[1..],
        "what was before the newest is not all the others",
    )?;
    let mut late = client.watch(id).await.map_err(told("watching what is over"))?;
    let mut last = None;
    while let Some(event) = late.recv().await {
        last = Some(event);
    }
    let ended = Event::Ended {
        state: OperationState::Succeeded,
    };
    ensure(
        last == Some(ended),
        &format!("who watches late is told {last:?} at the end"),
    )?;
    is(
        client.cancel(id, false).await,
        ErrorKind::Refused,
        "cancelling what is over",
    )?;
    let lines = client.export_operations().await.map_err(told("exporting"))?;
    let named = lines
        .iter()
        .any(|line| line.to_string().contains(&id.to_string()));
    ensure(named, "the export does not know it")
}

async fn backups(client: &dyn Client, id: &str) -> Result<(), String> {
    let whole = client.backup(&selector(id)).await.map_err(told("by its id"))?;
    let latest = client
        .backup(&selector("latest"))
        .await
        .map_err(told("the latest"))?;
    ensure(whole == latest, "the latest is another")?;
    ensure(whole.proofs.iter().any(|proof| proof.ok), "it has no proof")?;
    let hold = Mark::Hold {
        reason: Some("to see – 見る".to_owned()),
    };
    let marked = client
        .mark(&selector("latest"), hold)
        .await
        .map_err(told("holding"))?;
    ensure(marked.to_string() == id, "another was held")?;
    let tags = [("env".to_owned(), "a=b & c".to_owned())].into();
    client
        .mark(&selector(id), Mark::Tag { tags })
        .await
        .map_err(told("tagging"))?;
    let held = client.backup(&selector(id)).await.map_err(told("held"))?;
    ensure(
        held.summary.held && held.hold_reason.as_deref() == Some("to see – 見る"),
        "it is not held for the reason given",
    )?;
    let filter = Filter {
        tags: held.summary.tags.clone(),
        ..Filter::default()
    };
    let narrowed = client.backups(None, &filter).await.map_err(told("by its tag"))?;
    ensure(
        narrowed.backups.len() == 1 && narrowed.backups[0].id.to_string() == id,
        "its tag does not find it",
    )?;
    client
        .mark(&selector(id), Mark::Release)
        .await
        .map_err(told("releasing"))?;
    let free = client.backup(&selector(id)).await.map_err(told("released"))?;
    ensure(!free.summary.held, "it is still held")
}

async fn contents(client: &dyn Client, id: &str, directory: &Path, file: &str) -> Result<(), String> {
    let all = client
        .files(&selector(id), None)
        .await
        .map_err(told("listing files"))?;
    let path = directory.join(file);
    let shown = path.display().to_string();
    ensure(
        all.backup.to_string() == id && all.files.iter().any(|entry| entry.path == shown),
        "the file is not listed",
    )?;
    let below = client
        .files(&selector(id), Some(&path))
        .await
        .map_err(told("listing one file"))?;
    ensure(below.files.len() == 1, "more than the file is listed below it")?;
    let mut pieces = client
        .read_file(&selector(id), &path, false)
        .await
        .map_err(told("reading"))?;
    let mut content = Vec::new();
    while let Some(piece) = pieces.recv().await {
        content.extend(piece.map_err(told("a piece"))?);
    }
    let expected = std::fs::read(&path).map_err(|error| error.to_string())?;
    ensure(content == expected, "the content is another")?;
    is(
        client
            .read_file(&selector(id), &directory.join("missing"), false)
            .await,
        ErrorKind::NotFound,
        "a file that is not in it",
    )?;
    is(
        client.read_file(&selector(id), directory, false).await,
        ErrorKind::Invalid,
        "a directory's content",
    )?;
    let diff = client
        .diff(&selector(id), &selector("latest"))
        .await
        .map_err(told("comparing"))?;
    ensure(diff.entries.is_empty(), "it differs from itself")
}

async fn vaults(client: &dyn Client) -> Result<(), String> {
    let list = client.vaults().await.map_err(told("listing"))?;
    let default = client.vault(None).await.map_err(told("the default one"))?;
    let name = default.summary.name.as_str();
    ensure(
        list.vaults.iter().any(|vault| vault.name == name),
        "it is not listed",
    )?;
    let named = client.vault(Some(name)).await.map_err(told("by its name"))?;
    ensure(named.id == default.id, "its name leads to another")?;
    let keys = client.keys(Some(name)).await.map_err(told("its keys"))?;
    ensure(keys.vault == name, "the keys are another's")
}

/// What fails tells why, whoever asks; and a refusal leaves no operation.
async fn failure(client: &dyn Client, id: &str, directory: &Path, above: &Path) -> Result<(), String> {
    let target = above.join("occupied");
    let inside = target.join(directory.file_name().unwrap_or_default());
    std::fs::create_dir_all(&inside).map_err(|error| error.to_string())?;
    for entry in std::fs::read_dir(directory)
        .map_err(|error| error.to_string())?
        .flatten()
    {
        for place in [&target, &inside] {
            std::fs::write(place.join(entry.file_name()), "something else")
                .map_err(|error| error.to_string())?;
        }
    }
    let restore = Request::Restore(Restore {
        backup: selector(id),
        to: Some(target),
        include: Vec::new(),
        overwrite: Default::default(),
        delete_extra: false,
        allow_incomplete: false,
        onto: None,
    });
    let plan = client.plan(restore).await.map_err(told("planning a restore"))?;
    // It is refused when it is started, or fails at once; in either case somebody is told why.
    match client.start(plan).await {
        Err(failure) => ensure(
            failure.kind() == ErrorKind::Refused,
            &format!("it was not refused but {failure:?}"),
        )?,
        Ok(operation) => {
            let mut watcher = client.watch(operation).await.map_err(told("watching"))?;
            while watcher.recv().await.is_some() {}
            let detail = client
                .operation(&operation.to_string())
                .await
                .map_err(told("its record"))?;
            ensure(
                detail.summary.state == OperationState::Failed
                    && !detail.summary.reasons.is_empty()
                    && detail.failure == Some(ErrorKind::Refused),
                &format!(
                    "{:?} {:?} {:?}",
                    detail.summary.state, detail.summary.reasons, detail.failure
                ),
            )?;
        }
    }
    let delete = Request::Delete(Delete {
        vault: None,
        backups: vec!["no-such-backup".to_owned()],
        filter: Filter::default(),
        min_keep: None,
        below_floors: false,
    });
    is(
        client.plan(delete).await,
        ErrorKind::NotFound,
        "deleting what is not there",
    )
}
