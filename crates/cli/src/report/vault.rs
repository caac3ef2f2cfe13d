//! Vaults.

use ostler_api::document::{VaultInfo, VaultList};
use ostler_vocabulary::Timestamp;

use super::backup::{reading_text, when};
use crate::output::{Column, Page, Table, Tone, count, plural, size};

pub(crate) fn list(page: &mut Page, list: &VaultList) {
    let mut table = Table::new([
        Column::flexible("NAME"),
        Column::left("DEFAULT"),
        Column::left("LOCATION"),
    ]);
    for vault in &list.vaults {
        table.row([
            (vault.name.clone(), Tone::Plain),
            (if vault.default { "yes" } else { "" }.to_owned(), Tone::Plain),
            (vault.location.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
}

pub(crate) fn info(page: &mut Page, info: &VaultInfo, now: Timestamp) {
    page.line(format!("vault {}", info.summary.name));
    page.field("location", &info.summary.location);
    page.field("id", info.id.to_string());
    page.field("made", when(info.created, now));
    page.field("format", format!("version {}", info.format));
    encryption(page, info);
    page.fields("key", info.key_file.iter().map(|file| file.display().to_string()));
    store(page, info, now);
    let backups: u64 = info.backups.values().sum();
    let states: Vec<String> = info
        .backups
        .iter()
        .map(|(state, n)| format!("{} {state}", count(*n)))
        .collect();
    page.field(
        "backups",
        match states.as_slice() {
            [] => "none".to_owned(),
            states => format!("{} ({})", count(backups), states.join(", ")),
        },
    );
    if backups > 0 {
        page.field("data read", reading_text(&info.reading, now));
    }
    page.field(
        "holds",
        format!(
            "{} in {}, {}",
            size(info.bytes),
            plural(info.packs, "pack"),
            plural(info.chunks, "chunk")
        ),
    );
    page.fields(
        "costs",
        info.monthly
            .iter()
            .map(|cost| format!("about {cost} a month, as it is")),
    );
    warnings(page, &info.warnings);
}

/// `vault probe`: every finding with what was seen.
pub(crate) fn probed(page: &mut Page, info: &VaultInfo, now: Timestamp) {
    page.line(format!("vault {}", info.summary.name));
    page.field("location", &info.summary.location);
    store(page, info, now);
    let mut table = Table::new([
        Column::left("STORE"),
        Column::left("ANSWER"),
        Column::flexible("SEEN"),
    ]);
    for one in info.store.iter().flat_map(|store| &store.abilities) {
        table.row([
            (one.ability.clone(), Tone::Plain),
            (one.answer.clone(), Tone::Plain),
            (one.evidence.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
    warnings(page, &info.warnings);
}

/// For how many writers the store is, and what it was seen not to do.
fn store(page: &mut Page, info: &VaultInfo, now: Timestamp) {
    let Some(store) = &info.store else { return };
    let writers = match store.single_writer {
        true => "for one writer at a time",
        false => "for any number of writers",
    };
    page.field("store", format!("{writers}, tried {}", when(store.at, now)));
    let missing: Vec<&str> = store
        .abilities
        .iter()
        .filter(|one| one.answer == "no")
        .map(|one| one.ability.as_str())
        .collect();
    if !missing.is_empty() {
        page.field("", format!("does not: {}", missing.join(", ")));
    }
}

pub(crate) fn made(page: &mut Page, info: &VaultInfo) {
    page.line(format!("vault {} is made", info.summary.name));
    page.field("location", &info.summary.location);
    encryption(page, info);
    if let Some(file) = &info.key_file {
        key_advice(page, file, &info.warnings);
    }
    warnings(page, &info.warnings);
    page.line("next:");
    let vault = if info.summary.default {
        String::new()
    } else {
        format!(" --vault {}", info.summary.name)
    };
    page.command(&format!("ostler backup create PATH{vault}"), "the first backup");
}

/// Where a new key is, unless a warning says so already.
pub(super) fn key_advice(page: &mut Page, file: &std::path::Path, warnings: &[String]) {
    let file = file.display().to_string();
    if !warnings.iter().any(|warning| warning.contains(&file)) {
        page.field("key", &file);
        page.field(
            "",
            "Copy it to another place: without it nothing can be restored.",
        );
    }
}

fn encryption(page: &mut Page, info: &VaultInfo) {
    page.field(
        "encrypted",
        match info.encryption.as_str() {
            "none" => "no: whoever can read the store can read the backups",
            suite => suite,
        },
    );
    page.fields(
        "opened by",
        info.keys.iter().map(|key| format!("{} {}", key.kind, key.id)),
    );
}

pub(super) fn warnings(page: &mut Page, warnings: &[String]) {
    for warning in warnings {
        page.line(format!("warning: {warning}"));
    }
}
