//! Which backup is meant: ids, prefixes, names, `latest` and `latest~N`, filters and groups. Pure.

use std::collections::BTreeSet;

use ostler_api::document::{BackupSummary, Source};
use ostler_api::request::{Filter, GroupBy};

use ostler_vocabulary::BackupId;

use crate::Error;
use crate::state::Backup;

/// Digits a prefix of an id needs at least.
pub const SHORTEST_PREFIX: usize = 4;

/// Refuses a filter with an empty part: what looks like a condition must be one.
///
/// # Errors
/// [`Error::Malformed`]
pub fn check_filter(filter: &Filter) -> Result<(), Error> {
    let empty = |what: &str| Error::Malformed {
        what: what.to_owned(),
        reason: "is empty, which would match everything or nothing".to_owned(),
    };
    if filter.host.as_deref() == Some("") {
        return Err(empty("the host to filter by"));
    }
    if filter.name.as_deref() == Some("") {
        return Err(empty("the name to filter by"));
    }
    if filter.path.as_ref().is_some_and(|p| p.as_os_str().is_empty()) {
        return Err(empty("the path to filter by"));
    }
    if filter.tags.keys().any(String::is_empty) {
        return Err(empty("the key of a tag to filter by"));
    }
    Ok(())
}

/// Whether every given part of the filter matches.
#[must_use]
pub fn matches(filter: &Filter, backup: &BackupSummary) -> bool {
    let source = backup.source.as_ref();
    filter
        .host
        .as_ref()
        .is_none_or(|host| source.is_some_and(|s| s.host == *host))
        && filter
            .path
            .as_ref()
            .is_none_or(|path| source.is_some_and(|s| s.paths.contains(path)))
        && filter
            .name
            .as_ref()
            .is_none_or(|name| backup.name.as_ref() == Some(name))
        && filter
            .tags
            .iter()
            .all(|(key, value)| backup.tags.get(key) == Some(value))
}

/// The backups that match, in the given order. With an empty filter all do, also when there are none.
///
/// # Errors
/// [`Error::Malformed`] for an empty condition, [`Error::NoMatch`] when conditions match nothing.
pub fn matching<'a>(
    backups: impl IntoIterator<Item = &'a Backup>,
    filter: &Filter,
) -> Result<Vec<&'a Backup>, Error> {
    check_filter(filter)?;
    let backups = backups.into_iter();
    let found: Vec<&Backup> = backups.filter(|b| matches(filter, &b.summary)).collect();
    if found.is_empty() && *filter != Filter::default() {
        return Err(Error::NoMatch {
            filter: describe(filter),
        });
    }
    Ok(found)
}

fn describe(filter: &Filter) -> String {
    let mut parts = Vec::new();
    if let Some(host) = &filter.host {
        parts.push(format!("host {host}"));
    }
    if let Some(path) = &filter.path {
        parts.push(format!("path {}", path.display()));
    }
    if let Some(name) = &filter.name {
        parts.push(format!("name {name}"));
    }
    for (key, value) in &filter.tags {
        parts.push(format!("tag {key}={value}"));
    }
    parts.join(" and ")
}

/// The backup that is meant. `backups` are newest first, as [`crate::state::backups`] gives them.
///
/// `latest` is the newest complete or verified one, `latest~N` the Nth such before it. A name means the newest good
/// backup that bears it, or the newest of any state where none is good. Ids are looked for in the whole vault:
/// whoever gives one needs no filter.
///
/// # Errors
/// [`Error::NoBackup`], [`Error::Ambiguous`], [`Error::SeveralSources`] or [`Error::Malformed`].
pub fn resolve<'a>(
    backups: impl IntoIterator<Item = &'a Backup>,
    selector: &str,
    filter: &Filter,
) -> Result<&'a Backup, Error> {
    check_filter(filter)?;
    let backups: Vec<&Backup> = backups.into_iter().collect();
    if selector.trim().is_empty() {
        return Err(Error::Malformed {
            what: "the backup's name or id".to_owned(),
            reason: "is empty".to_owned(),
        });
    }
    if let Some(back) = latest(selector)? {
        let good: Vec<&Backup> = backups
            .into_iter()
            .filter(|b| b.state().is_good() && matches(filter, &b.summary))
            .collect();
        let good = one_source(selector, filter, good)?;
        return good.get(back).copied().ok_or_else(|| Error::NoBackup {
            selector: selector.to_owned(),
        });
    }
    let named: Vec<&Backup> = backups
        .iter()
        .copied()
        .filter(|b| b.summary.name.as_deref() == Some(selector) && matches(filter, &b.summary))
        .collect();
    let digits = selector.to_ascii_lowercase();
    let whole: Option<BackupId> = digits.parse().ok();
    let is_meant = |b: &&Backup| match whole {
        Some(id) => b.id() == id,
        None => b.id().to_string().starts_with(&digits),
    };
    let prefixed: Vec<&Backup> = match selector.len() >= SHORTEST_PREFIX {
        true => backups.into_iter().filter(is_meant).collect(),
        false => Vec::new(),
    };
    match (named.is_empty(), prefixed.as_slice()) {
        (true, []) => Err(Error::NoBackup {
            selector: selector.to_owned(),
        }),
        (_, [one]) if selector.len() == 32 || named.is_empty() => Ok(one),
        (false, []) => {
            let named = one_source(selector, filter, named)?;
            let newest_good = named.iter().find(|b| b.state().is_good());
            newest_good
                .or(named.first())
                .copied()
                .ok_or_else(|| Error::NoBackup {
                    selector: selector.to_owned(),
                })
        }
        _ => Err(Error::Ambiguous {
            selector: selector.to_owned(),
            candidates: prefixed.iter().chain(&named).take(10).map(|b| label(b)).collect(),
        }),
    }
}

/// How far back `latest~N` goes; `None` when it is not of that form.
fn latest(selector: &str) -> Result<Option<usize>, Error> {
    if selector == "latest" {
        return Ok(Some(0));
    }
    let Some(digits) = selector.strip_prefix("latest~") else {
        return Ok(None);
    };
    match digits.parse::<usize>() {
        Ok(back) if back.to_string() == digits => Ok(Some(back)),
        _ => Err(Error::Malformed {
            what: format!("`{selector}`"),
            reason: "is not of the form latest~N with a whole number N".to_owned(),
        }),
    }
}

/// Keeps what is of one source, or refuses. A path filter means the source of exactly that path where there is one.
fn one_source<'a>(
    selector: &str,
    filter: &Filter,
    backups: Vec<&'a Backup>,
) -> Result<Vec<&'a Backup>, Error> {
    let sources: BTreeSet<&Source> = backups.iter().filter_map(|b| b.summary.source.as_ref()).collect();
    if sources.len() <= 1 {
        return Ok(backups);
    }
    if let Some(path) = &filter.path {
        let exact: Vec<&&Source> = sources
            .iter()
            .filter(|s| s.paths == std::slice::from_ref(path))
            .collect();
        if let [only] = exact.as_slice() {
            return Ok(backups
                .into_iter()
                .filter(|b| b.summary.source.as_ref() == Some(only))
                .collect());
        }
    }
    Err(Error::SeveralSources {
        selector: selector.to_owned(),
        sources: sources.into_iter().map(source_name).collect(),
    })
}

fn label(backup: &Backup) -> String {
    let mut label = backup.id().short();
    if let Some(name) = &backup.summary.name {
        label.push_str(&format!(" ({name})"));
    }
    if let Some(source) = &backup.summary.source {
        label.push_str(&format!(" of {}", source_name(source)));
    }
    label
}

/// A source as people write it: `host:/path`, further paths after commas.
#[must_use]
pub fn source_name(source: &Source) -> String {
    let paths: Vec<String> = source.paths.iter().map(|p| p.display().to_string()).collect();
    format!("{}:{}", source.host, paths.join(","))
}

/// The group a backup belongs to; equal names are equal groups. With no part given: host and paths.
#[must_use]
pub fn group(backup: &BackupSummary, by: &[GroupBy]) -> String {
    let by: BTreeSet<GroupBy> = if by.is_empty() {
        [GroupBy::Host, GroupBy::Paths].into()
    } else {
        by.iter().copied().collect()
    };
    let unknown = Source {
        host: "?".to_owned(),
        paths: vec!["?".into()],
    };
    let source = backup.source.as_ref().unwrap_or(&unknown);
    let mut text = match (by.contains(&GroupBy::Host), by.contains(&GroupBy::Paths)) {
        (true, true) => source_name(source),
        (true, false) => source.host.clone(),
        (false, true) => source_name(source)[source.host.len() + 1..].to_owned(),
        (false, false) => String::new(),
    };
    let mut also = |part: String| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&part);
    };
    if by.contains(&GroupBy::Name) {
        also(format!("name={}", backup.name.as_deref().unwrap_or("")));
    }
    if by.contains(&GroupBy::Tags) {
        let tags: Vec<String> = backup.tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
        also(format!("tags={}", tags.join(",")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{backup, id};
    use ostler_api::document::BackupState::{Complete, Damaged, Incomplete, Partial, Verified};
    use ostler_vocabulary::{Classified, ErrorKind};

    fn catalogue() -> Vec<Backup> {
        vec![
            backup(9, Incomplete, "/data", "2026-11-20T09:00:00Z"),
            backup(8, Partial, "/data", "2026-11-20T08:00:00Z"),
            backup(7, Complete, "/data", "2026-11-20T07:00:00Z").named("nightly"),
            backup(6, Damaged, "/data", "2026-11-20T06:00:00Z"),
            backup(5, Verified, "/data", "2026-11-20T05:00:00Z").named("nightly"),
            backup(4, Complete, "/data", "2026-11-20T04:00:00Z").tagged("env", "prod"),
        ]
    }

    fn found(backups: &[Backup], selector: &str) -> Result<u8, Error> {
        resolve(backups, selector, &Filter::default()).map(|b| b.id().as_bytes()[0])
    }

    #[test]
    fn latest_is_the_newest_good_one() {
        let backups = catalogue();
        assert_eq!(found(&backups, "latest").unwrap(), 7);
        assert_eq!(found(&backups, "latest~1").unwrap(), 5);
        assert_eq!(found(&backups, "latest~2").unwrap(), 4);
        assert_eq!(
            found(&backups, "latest~3").unwrap_err().kind(),
            ErrorKind::NotFound
        );
        for wrong in ["latest~", "latest~x", "latest~-1", "latest~01", ""] {
            assert_eq!(
                found(&backups, wrong).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{wrong}"
            );
        }
    }

    #[test]
    fn latest_over_several_sources_is_refused_by_name() {
        let mut backups = catalogue();
        backups.push(backup(3, Complete, "/srv", "2026-11-19T03:00:00Z"));
        let error = found(&backups, "latest").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "`latest` could mean the newest backup of any of 2 sources: alpha:/data; alpha:/srv"
        );
        let filter = Filter {
            path: Some("/srv".into()),
            ..Filter::default()
        };
        assert_eq!(resolve(&backups, "latest", &filter).unwrap().id(), id(3));
    }

    #[test]
    fn a_path_means_the_source_of_exactly_that_path() {
        let mut backups = catalogue();
        let mut both = backup(3, Complete, "/data", "2026-11-21T03:00:00Z");
        if let Some(source) = &mut both.summary.source {
            source.paths.push("/srv".into());
        }
        backups.insert(0, both);
        let filter = Filter {
            path: Some("/data".into()),
            ..Filter::default()
        };
        assert_eq!(resolve(&backups, "latest", &filter).unwrap().id(), id(7));
    }

    #[test]
    fn ids_prefixes_and_names_are_found() {
        let backups = catalogue();
        assert_eq!(found(&backups, &id(6).to_string()).unwrap(), 6);
        assert_eq!(found(&backups, "0909").unwrap(), 9);
        assert_eq!(found(&backups, "nightly").unwrap(), 7);
        assert_eq!(found(&backups, "090").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(
            found(&backups, "missing").unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }

    #[test]
    fn what_means_several_lists_them() {
        let mut backups = catalogue();
        let mut twin = [7; 16];
        twin[15] = 0;
        let mut other = backup(7, Complete, "/data", "2026-11-01T00:00:00Z");
        other.summary.id = ostler_vocabulary::BackupId::from_bytes(twin);
        backups.push(other);
        let error = found(&backups, "0707").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("07070707 (nightly)"), "{error}");
        backups.push(backup(2, Complete, "/data", "2026-11-01T00:00:00Z").named("0909"));
        assert_eq!(found(&backups, "0909").unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn filters_that_match_nothing_or_say_nothing_are_errors() {
        let backups = catalogue();
        let tags = |key: &str, value: &str| Filter {
            tags: [(key.to_owned(), value.to_owned())].into(),
            ..Filter::default()
        };
        assert_eq!(matching(&backups, &tags("env", "prod")).unwrap().len(), 1);
        assert_eq!(
            matching(&backups, &tags("env", "pord")).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            matching(&backups, &tags("", "x")).unwrap_err().kind(),
            ErrorKind::Invalid
        );
        let host = Filter {
            host: Some(String::new()),
            ..Filter::default()
        };
        assert_eq!(matching(&backups, &host).unwrap_err().kind(), ErrorKind::Invalid);
        assert!(matching(&[], &Filter::default()).unwrap().is_empty());
    }

    #[test]
    fn groups_are_host_and_paths_unless_said_otherwise() {
        let one = backup(1, Complete, "/data", "2026-11-20T04:00:00Z").named("n");
        assert_eq!(group(&one.summary, &[]), "alpha:/data");
        assert_eq!(group(&one.summary, &[GroupBy::Host]), "alpha");
        assert_eq!(group(&one.summary, &[GroupBy::Paths]), "/data");
        assert_eq!(
            group(&one.summary, &[GroupBy::Name, GroupBy::Host]),
            "alpha name=n"
        );
    }
}
