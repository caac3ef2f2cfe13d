//! Backups.

use std::time::Duration;

use ostler_api::document::{BackupDetail, BackupList, BackupState, BackupSummary, Proof, Reading};
use ostler_vocabulary::Timestamp;

use super::{cluster_of, paths_text, problems, source_text};
use crate::output::{Column, Page, Table, Tone, ago, count, duration, moment, plural, size};

pub(crate) fn tone(state: BackupState) -> Tone {
    match state {
        BackupState::Complete | BackupState::Verified => Tone::Good,
        BackupState::Running | BackupState::Incomplete | BackupState::Partial => Tone::Doubtful,
        BackupState::Damaged => Tone::Bad,
    }
}

pub(crate) fn list(page: &mut Page, list: &BackupList, now: Timestamp) {
    if list.backups.is_empty() {
        return;
    }
    let mut columns = vec![
        Column::left("ID"),
        Column::flexible("NAME"),
        Column::left("STATE"),
        Column::left("STARTED"),
        Column::right("AGE"),
        Column::right("SIZE"),
        Column::left("SOURCE"),
    ];
    // Which vault is worth a column only where there are several.
    let several = list.backups.iter().any(|backup| backup.vault != list.vault);
    if several {
        columns.push(Column::left("VAULT"));
    }
    let mut table = Table::new(columns);
    for backup in &list.backups {
        let state = if backup.held {
            format!("{}, held", backup.state.as_str())
        } else {
            backup.state.as_str().into()
        };
        let known = !matches!(backup.state, BackupState::Running | BackupState::Incomplete);
        let mut row = vec![
            (backup.id.short(), Tone::Plain),
            (backup.name.clone().unwrap_or_else(|| "–".into()), Tone::Plain),
            (state, tone(backup.state)),
            (moment(backup.started), Tone::Plain),
            (
                ago(now, backup.started).trim_end_matches(" ago").to_owned(),
                Tone::Plain,
            ),
            (
                if known {
                    size(backup.counts.bytes)
                } else {
                    "–".into()
                },
                Tone::Plain,
            ),
            (source_text(backup.source.as_ref()), Tone::Plain),
        ];
        if several {
            row.push((backup.vault.clone(), Tone::Plain));
        }
        table.row(row);
    }
    page.table(&table);
}

pub(crate) fn detail(page: &mut Page, detail: &BackupDetail, now: Timestamp) {
    let backup = &detail.summary;
    page.toned(
        &format!("backup {} is ", backup.id),
        backup.state.as_str(),
        tone(backup.state),
        "",
    );
    facts(page, detail, now);
    if let Some(parent) = detail.parent {
        page.field(
            "parent",
            format!("{} (unchanged files were taken from it)", parent.short()),
        );
    }
    if let Some(origin) = &detail.origin {
        let renamed = if origin.backup == backup.id {
            String::new()
        } else {
            format!(", where it is {}", origin.backup.short())
        };
        let vault = origin.vault.to_string();
        let vault = vault.get(..8).unwrap_or(&vault).to_owned();
        page.field(
            "copied",
            format!(
                "from the vault with the id {vault}…{renamed}, {}",
                when(origin.at, now)
            ),
        );
    }
    if let Some(cluster) = &detail.cluster {
        let parts = cluster.parts.iter();
        page.fields(
            "part",
            parts.map(|part| format!("{}/{}: {}", part.node, part.root, part.path.display())),
        );
        page.fields(
            "missing",
            cluster.absent.iter().map(|node| format!("node {node}")),
        );
    }
    if let Some(operation) = detail.operation {
        page.field("operation", operation.short());
    }
    page.field("data read", reading_text(&detail.reading, now));
    page.field("made by", &detail.made_by);
    page.fields("proofs", detail.proofs.iter().map(|proof| proof_text(proof, now)));
    if !detail.problems.is_empty() {
        page.line(format!(
            "not in it as it should be: {}",
            plural(backup.counts.problems, "file")
        ));
        problems(page, &detail.problems, backup.counts.problems);
    }
    super::evidence::lacking(page, detail);
}

fn facts(page: &mut Page, detail: &BackupDetail, now: Timestamp) {
    let backup = &detail.summary;
    page.field("vault", &backup.vault);
    if let Some(name) = &backup.name {
        page.field("name", name);
    }
    if let Some(source) = &backup.source {
        page.field("host", &source.host);
        page.fields(
            "paths",
            source.paths.iter().map(|path| path.display().to_string()),
        );
    }
    page.field("started", when(backup.started, now));
    let counts = &backup.counts;
    page.field("files", files_text(backup));
    page.field(
        "size",
        format!("{}, of which {} new", size(counts.bytes), size(counts.new_bytes)),
    );
    page.field("stored", size(counts.stored_bytes));
    page.field("time", duration(Duration::from_millis(backup.duration_ms)));
    page.fields(
        "tags",
        backup.tags.iter().map(|(key, value)| format!("{key}={value}")),
    );
    if backup.held {
        let why = detail.hold_reason.as_deref().unwrap_or("nobody said why");
        page.field("held", format!("{why}; no rule deletes it"));
    }
    page.field(
        "verified",
        backup
            .verified
            .map_or_else(|| "never".to_owned(), |at| when(at, now)),
    );
}

/// When data was last read back.
pub(super) fn reading_text(reading: &Reading, now: Timestamp) -> String {
    let Some(last) = reading.last else {
        return "never".to_owned();
    };
    let all = match reading.since {
        Some(since) => format!("every byte since {}", when(since, now)),
        None => "not yet all of it".to_owned(),
    };
    let recent = reading.recent_percent;
    format!("{all}; {recent} % in the last 30 days; last {}", when(last, now))
}

pub(super) fn files_text(backup: &BackupSummary) -> String {
    let counts = &backup.counts;
    format!(
        "{} ({} new or changed), {}",
        plural(counts.files, "file"),
        count(counts.changed_files),
        plural(counts.entries, "entry"),
    )
}

/// `2 h ago (2026-11-21 08:13Z)`
pub(crate) fn when(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", ago(now, at), moment(at))
}

pub(super) fn proof_text(proof: &Proof, now: Timestamp) -> String {
    let result = if proof.ok {
        "right".to_owned()
    } else {
        plural(proof.problems.len() as u64, "problem")
    };
    format!(
        "{}: {result}; {}, {}; {}",
        proof.method,
        plural(proof.files, "file"),
        size(proof.bytes),
        when(proof.at, now)
    )
}

/// `/home/me/data`, or `cluster:shop:data`.
pub(super) fn subject(backup: &BackupSummary) -> String {
    match &backup.source {
        Some(source) if cluster_of(source).is_some() => source_text(Some(source)),
        Some(source) => paths_text(&source.paths),
        None => String::new(),
    }
}
