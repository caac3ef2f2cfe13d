//! Backups by what was backed up.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ostler_api::document::{BackupSummary, Source};

/// Backups of each source, newest first as they were listed. Those that do not tell their source are left out.
pub(super) fn by_source(backups: &[BackupSummary]) -> Vec<(Source, Vec<&BackupSummary>)> {
    let mut groups: BTreeMap<Source, Vec<&BackupSummary>> = BTreeMap::new();
    for backup in backups {
        if let Some(source) = &backup.source {
            groups.entry(source.clone()).or_default().push(backup);
        }
    }
    groups.into_iter().collect()
}

/// `/srv/data, /etc`
pub(super) fn paths(source: &Source) -> String {
    let paths: Vec<String> = source.paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

/// Where its page is.
pub(super) fn address(backup: &BackupSummary) -> String {
    format!("/backups/{}/{}", super::frame::encoded(&backup.vault), backup.id)
}

/// A source in words.
pub(super) fn named(source: &Source) -> Markup {
    html! { span.paths { (paths(source)) } " " span.muted { "on " (source.host) } }
}
