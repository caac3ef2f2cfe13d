//! Backups by what was backed up.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ostler_api::Client;
use ostler_api::document::{BackupList, BackupSummary, Source};
use ostler_api::request::Filter;
use ostler_vocabulary::{ErrorKind, Failure};

/// Backups of each source, newest first as they were listed. Those that do not tell their source are left out.
pub(super) fn by_source(backups: &[BackupSummary]) -> Vec<(&Source, Vec<&BackupSummary>)> {
    let mut groups: BTreeMap<&Source, Vec<&BackupSummary>> = BTreeMap::new();
    for backup in backups {
        if let Some(source) = &backup.source {
            groups.entry(source).or_default().push(backup);
        }
    }
    groups.into_iter().collect()
}

/// The backups; none where there is no vault yet, which the first backup makes. Where something was done before, a vault
/// that is not there is a failure: it was lost.
pub(super) async fn listed(
    client: &dyn Client,
    vault: Option<&str>,
    filter: &Filter,
) -> Result<BackupList, Failure> {
    let failure = match client.backups(vault, filter).await {
        Err(failure) if vault.is_none() && failure.kind() == ErrorKind::NotFound => failure,
        other => return other,
    };
    match client.operations(1, None).await?.operations.is_empty() {
        true => Ok(BackupList {
            vault: String::new(),
            backups: Vec::new(),
            unreachable: Vec::new(),
        }),
        false => Err(failure),
    }
}

/// `/srv/data, /etc`
pub(super) fn paths(source: &Source) -> String {
    let paths: Vec<String> = source
        .paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
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
