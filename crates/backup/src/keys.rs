//! `vault key add`, `remove` and `rotate`: what opens a vault, and the secrets that its contents are sealed with.

mod add;
mod rotate;

use std::io;
use std::path::Path;

use ostler_api::document::{KeyEntry, KeyReport, KeySummary, Outcome};
use ostler_api::keys::{KeyAction, KeyChange, KeyWork};
use ostler_api::request::{Plan, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::{Vault, WrapperInfo};
use ostler_vocabulary::{Failure, Secret};

use crate::restore::finished;
use crate::{Context, Error, digest};

/// The kinds' names in the journal.
pub const ADD_KIND: &str = "key_add";
/// As [`ADD_KIND`], for a key that is taken away.
pub const REMOVE_KIND: &str = "key_remove";
/// As [`ADD_KIND`], for a new epoch.
pub const ROTATE_KIND: &str = "key_rotate";
/// The version of their steps.
pub const VERSION: u32 = 1;

/// What a change of keys needs beside its plan, in which there is no secret.
#[derive(Debug, Clone)]
pub struct Material {
    /// The passphrase that is to open the vault too.
    pub passphrase: Option<Secret>,
    /// Writes a file that only its owner can read; never replaces one.
    pub write_private: fn(&Path, &str) -> io::Result<()>,
}

/// The kind of operation that a change is.
#[must_use]
pub fn kind_of(action: &KeyAction) -> &'static str {
    match action {
        KeyAction::AddKeyFile { .. } | KeyAction::AddPassphrase { .. } | KeyAction::AddAge { .. } => ADD_KIND,
        KeyAction::Remove { .. } => REMOVE_KIND,
        KeyAction::Rotate { .. } => ROTATE_KIND,
    }
}

/// A wrapper as a document.
#[must_use]
pub fn entry(wrapper: WrapperInfo) -> KeyEntry {
    KeyEntry {
        summary: KeySummary {
            id: wrapper.id,
            kind: wrapper.kind.replace('_', " "),
            created: wrapper.created,
        },
        about: wrapper.about,
        epochs: wrapper.epochs,
        in_use: wrapper.opened_by,
    }
}

/// The keys of a vault as documents, oldest first.
///
/// # Errors
/// Failures of the vault.
pub async fn entries(context: &Context) -> Result<Vec<KeyEntry>, Failure> {
    let wrappers = context.vault.wrappers().await;
    let wrappers = wrappers.map_err(context.attempting("list its keys"))?;
    Ok(wrappers.into_iter().map(entry).collect())
}

/// Works out what a change of keys would do.
///
/// # Errors
/// When no or several keys are meant, when the last would go, when a file is in the way; failures of the vault.
pub async fn plan(mut change: KeyChange, context: &Context) -> Result<Plan, Failure> {
    if context.vault.encryption() == "none" {
        return Err(Error::NoKeys {
            vault: context.vault_name.clone(),
        }
        .into());
    }
    let keys = entries(context).await?;
    let mut work = KeyWork {
        epoch: context.vault.current_epoch(),
        keys,
        ..KeyWork::default()
    };
    let (subject, items) = match &mut change.action {
        KeyAction::AddKeyFile { path } => {
            add::must_be_free(path)?;
            work.key = Some(new_id(context)?);
            (format!("add the key file {}", path.display()), Vec::new())
        }
        KeyAction::AddPassphrase { .. } => {
            work.key = Some(new_id(context)?);
            ("add a passphrase".to_owned(), Vec::new())
        }
        KeyAction::AddAge { recipients } => {
            work.key = Some(new_id(context)?);
            (format!("add age {}", recipients.join(", ")), recipients.clone())
        }
        KeyAction::Remove { key } => {
            let meant = meant(&work.keys, key)?.clone();
            if work.keys.len() == 1 {
                return Err(context.attempting("remove a key")(ostler_vault::Error::LastKey(
                    meant.summary.id,
                )));
            }
            *key = meant.summary.id.clone();
            if meant.in_use {
                work.warnings.push(
                    "this machine opens the vault with it: it needs another of the keys afterwards"
                        .to_owned(),
                );
            }
            work.warnings.push(NO_REVOCATION.to_owned());
            work.key = Some(key.clone());
            (
                format!("remove the {} {}", meant.summary.kind, short(key)),
                vec![key.clone()],
            )
        }
        KeyAction::Rotate { compromised } => {
            rotate::look(context, *compromised, &mut work).await?;
            let ids = work.keys.iter().map(|key| key.summary.id.clone()).collect();
            let subject = match (*compromised, work.goes_on) {
                (false, _) => "begin a new key epoch",
                (true, false) => "begin a new key epoch and encrypt everything anew",
                (true, true) => "continue to re-encrypt everything",
            };
            (subject.to_owned(), ids)
        }
    };
    let action = serde_json::to_vec(&change.action).unwrap_or_default();
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject,
        backups: Vec::new(),
        digest: digest::digest(
            kind_of(&change.action),
            &[&action, &work.epoch.to_be_bytes()],
            items.iter().map(|item| (item.as_bytes(), "key")),
        ),
        request: Request::Keys(change),
        work: Work::Keys(work),
    })
}

const NO_REVOCATION: &str = "whoever copied the key, and what is in the vault's folder keys/, can still read what is \
                             there now: `ostler vault key rotate --compromised` encrypts it anew";

fn new_id(context: &Context) -> Result<String, Failure> {
    Vault::new_wrapper_id().map_err(context.attempting("name a key"))
}

/// The start of a key's id, as it is shown.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// The key that a prefix of its id means.
fn meant<'a>(keys: &'a [KeyEntry], prefix: &str) -> Result<&'a KeyEntry, Error> {
    let prefix = prefix.to_lowercase();
    let mut found = keys.iter().filter(|key| key.summary.id.starts_with(&prefix));
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(Error::NoKey { key: prefix }),
        (Some(_), Some(_)) => Err(Error::AmbiguousKey { key: prefix }),
    }
}

/// Runs the plan of a change of keys.
///
/// # Errors
/// Failures of the vault; a resume goes on.
pub async fn run(
    plan: Plan,
    op: Operation,
    context: Context,
    material: Material,
) -> Result<Finished, Failure> {
    let (Request::Keys(change), Work::Keys(work)) = (plan.request, plan.work) else {
        return Err(Error::Plan {
            reason: "it is not one of a change of keys".to_owned(),
        }
        .into());
    };
    match change.action {
        KeyAction::Remove { key } => remove(&key, &op, &context).await,
        KeyAction::Rotate { compromised } => rotate::run(compromised, &work, &op, &context).await,
        action => add::run(action, work, &op, &context, &material).await,
    }
}

async fn remove(key: &str, op: &Operation, context: &Context) -> Result<Finished, Failure> {
    let lease = context.lease(op, "removing a key").await?;
    op.commit().await?;
    let removed = op
        .step("remove key")
        .retries(3)
        .run(|_| async {
            op.audit("remove key", key, 0, "asked for").await?;
            let removed = context.vault.remove_wrapper(key, &lease).await;
            removed.map_err(context.attempting(format_args!("remove key {}", short(key))))
        })
        .await;
    context.release(lease).await;
    let mut warnings = vec![NO_REVOCATION.to_owned()];
    if let Some(until) = removed? {
        warnings.push(format!(
            "the vault has locked it until {until}: so long it opens what is there now, and the first prune after that removes it"
        ));
    }
    let report = KeyReport {
        done: "removed".to_owned(),
        key: Some(key.to_owned()),
        epoch: context.vault.current_epoch(),
        warnings,
        ..KeyReport::default()
    };
    finished(Outcome::Keys(report), Vec::new())
}
