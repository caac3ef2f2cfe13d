//! What opens a vault, and the epochs of its secrets.

use ostler_api::document::{KeyList, KeyReport};
use ostler_api::keys::KeyWork;
use ostler_vocabulary::Timestamp;

use super::backup::when;
use super::vault::warnings;
use crate::output::{Column, Page, Table, Tone, size};

/// Letters of an id that are shown.
const SHOWN: usize = 8;
/// Objects that are named.
const NAMED: usize = 10;

fn short(id: &str) -> String {
    id.get(..SHOWN).unwrap_or(id).to_owned()
}

pub(crate) fn list(page: &mut Page, list: &KeyList, now: Timestamp) {
    if list.epochs.is_empty() {
        page.line(format!("vault {} is not encrypted: it has no keys", list.vault));
        return;
    }
    let mut keys = Table::new([
        Column::left("KEY"),
        Column::left("KIND"),
        Column::left("ADDED"),
        Column::left("EPOCHS"),
        Column::flexible("ABOUT"),
    ]);
    for key in &list.keys {
        let epochs: Vec<String> = key.epochs.iter().map(ToString::to_string).collect();
        let mut about: Vec<&str> = key.about.iter().map(String::as_str).collect();
        if key.in_use {
            about.push("in use here");
        }
        keys.row([
            (short(&key.summary.id), Tone::Plain),
            (key.summary.kind.clone(), Tone::Plain),
            (when(key.summary.created, now), Tone::Plain),
            (epochs.join(", "), Tone::Plain),
            (about.join(", "), Tone::Plain),
        ]);
    }
    page.table(&keys);
    page.blank();
    let mut epochs = Table::new([
        Column::right("EPOCH"),
        Column::left("STATE"),
        Column::right("SIZE"),
        Column::left("MADE"),
    ]);
    for epoch in &list.epochs {
        let tone = match epoch.state.as_str() {
            "leaked" => Tone::Bad,
            "current" => Tone::Good,
            _ => Tone::Plain,
        };
        let made = epoch.made.map(|made| when(made, now));
        epochs.row([
            (epoch.number.to_string(), Tone::Plain),
            (epoch.state.clone(), tone),
            (size(epoch.bytes), Tone::Plain),
            (made.unwrap_or_else(|| "with the vault".to_owned()), Tone::Plain),
        ]);
    }
    page.table(&epochs);
    if list.epochs.iter().any(|epoch| epoch.state == "leaked") {
        page.line(format!(
            "{} of it is re-encrypted; `ostler vault key rotate --compromised` continues",
            share(list.bytes.saturating_sub(list.old_bytes), list.bytes)
        ));
    }
}

/// So many per cent.
fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "100 %".to_owned(),
        whole => format!("{} %", u128::from(part) * 100 / u128::from(whole)),
    }
}

pub(super) fn plan(page: &mut Page, work: &KeyWork) {
    page.fields(
        "opened by",
        work.keys
            .iter()
            .map(|key| format!("{} {}", key.summary.kind, short(&key.summary.id))),
    );
    page.field("epoch", work.epoch.to_string());
    if work.reencrypt_bytes > 0 {
        page.field("encrypts", format!("{} anew", size(work.reencrypt_bytes)));
    }
    warnings(page, &work.warnings);
}

pub(super) fn report(page: &mut Page, report: &KeyReport) {
    let key = report.key.as_deref().map(short).unwrap_or_default();
    page.line(match report.done.as_str() {
        "added" => format!("key {key} opens the vault now"),
        "removed" => format!("key {key} does not open the vault any more"),
        "given up" => format!(
            "everything is re-encrypted with key epoch {}, and the old secrets are gone",
            report.epoch
        ),
        "finished" => format!(
            "the earlier rotation is finished: everything is encrypted with key epoch {}, and the secrets before it are gone; \
             repeat the command for a new key epoch",
            report.epoch
        ),
        _ => format!("key epoch {} has begun", report.epoch),
    });
    page.fields(
        "file",
        report.key_file.iter().map(|file| file.display().to_string()),
    );
    if report.bytes > 0 {
        page.field(
            "anew",
            format!(
                "{} of {}",
                share(report.bytes.saturating_sub(report.old_bytes), report.bytes),
                size(report.bytes)
            ),
        );
    }
    page.fields("left", report.left.iter().take(NAMED));
    page.fields("waits for", report.waits_for.iter().map(|id| id.short()));
    warnings(page, &report.warnings);
}
