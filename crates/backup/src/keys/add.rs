//! `vault key add`

use std::io;
use std::path::{Path, PathBuf};

use ostler_api::document::{KeyReport, Outcome};
use ostler_api::keys::{KeyAction, KeyWork};
use ostler_operations::{Finished, Operation};
use ostler_vault::{NewKey, PassphraseCost};
use ostler_vocabulary::{Failure, OperationId, Secret};

use super::{Material, short};
use crate::restore::finished;
use crate::{Context, Error};

/// A key file is made where nothing is.
pub(super) fn must_be_free(path: &Path) -> Result<(), Error> {
    match path.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) => Err(Error::InTheWay {
            path: path.to_owned(),
        }),
    }
}

pub(super) async fn run(
    action: KeyAction,
    work: KeyWork,
    op: &Operation,
    context: &Context,
    material: &Material,
) -> Result<Finished, Failure> {
    let id = work.key.ok_or_else(|| Error::Plan {
        reason: "it names no key".to_owned(),
    })?;
    let lease = context.lease(op, "adding a key").await?;
    let added = add(&id, action, op, context, material, &lease).await;
    context.release(lease).await;
    added
}

async fn add(
    id: &str,
    action: KeyAction,
    op: &Operation,
    context: &Context,
    material: &Material,
    lease: &ostler_vault::Lease,
) -> Result<Finished, Failure> {
    let mut key_file = None;
    let with = match action {
        KeyAction::AddKeyFile { path } => {
            write_key_file(&path, op, context, material).await?;
            let text = std::fs::read_to_string(&path).map_err(|source| Error::KeyFile {
                attempt: "read",
                path: path.clone(),
                source,
            })?;
            key_file = Some(path);
            NewKey::KeyFile(Secret::new(text))
        }
        KeyAction::AddAge { recipients } => NewKey::AgeRecipients(recipients),
        _ => {
            let passphrase = material.passphrase.clone().ok_or_else(|| Error::Plan {
                reason: "it has no passphrase".to_owned(),
            })?;
            NewKey::Passphrase(passphrase, PassphraseCost::default())
        }
    };
    op.commit().await?;
    op.step("add key")
        .retries(3)
        .run(|_| async {
            op.audit("add key", id, 0, "asked for").await?;
            let added = context.vault.add_wrapper(id, &with, lease).await;
            added
                .map(drop)
                .map_err(context.attempting(format_args!("add key {}", short(id))))
        })
        .await?;
    let warnings = match &key_file {
        Some(path) => vec![format!(
            "whoever has {} can read every backup: keep it, and a copy of it, in safe places",
            path.display()
        )],
        None => Vec::new(),
    };
    let report = KeyReport {
        done: "added".to_owned(),
        key: Some(id.to_owned()),
        key_file,
        epoch: context.vault.current_epoch(),
        warnings,
        ..KeyReport::default()
    };
    finished(Outcome::Keys(report), Vec::new())
}

/// The file is there before the vault opens by it: a key that nobody has would be no key.
async fn write_key_file(
    path: &Path,
    op: &Operation,
    context: &Context,
    material: &Material,
) -> Result<(), Failure> {
    let id = op.id();
    let taken_back = path.to_owned();
    op.step("write key file")
        .run_with_undo(
            |_| async {
                if is_ours(path, id) {
                    return Ok(());
                }
                must_be_free(path)?;
                let text = context.vault.new_key_file();
                let text = text.map_err(context.attempting("make a key"))?;
                let failed = |attempt: &'static str, path: &Path| {
                    let path = path.to_owned();
                    move |source: io::Error| Error::KeyFile {
                        attempt,
                        path,
                        source,
                    }
                };
                let unfinished = unfinished(path, id);
                match std::fs::remove_file(&unfinished) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed("replace", &unfinished)(error).into());
                    }
                    _ => {}
                }
                let text = format!("{}{}", mark(id), text.reveal());
                (material.write_private)(&unfinished, &text).map_err(failed("write", &unfinished))?;
                std::fs::rename(&unfinished, path).map_err(failed("write", path))?;
                Ok(())
            },
            move |_| {
                let path = taken_back.clone();
                async move {
                    let _ = std::fs::remove_file(unfinished(&path, id));
                    if is_ours(&path, id) {
                        std::fs::remove_file(&path).map_err(|source| Error::KeyFile {
                            attempt: "remove",
                            path,
                            source,
                        })?;
                    }
                    Ok(())
                }
            },
        )
        .await
}

fn mark(operation: OperationId) -> String {
    format!("# Made by operation {operation}.\n")
}

fn is_ours(path: &Path, operation: OperationId) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.starts_with(&mark(operation)))
}

fn unfinished(path: &Path, operation: OperationId) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", operation.short()));
    PathBuf::from(name)
}
