//! The contents of a backup, a directory at a time.

use std::path::{Path as FilePath, PathBuf};

use axum::extract::{Extension, Path, Query, State};
use maud::{Markup, html};
use ostler_api::document::FileEntry;
use ostler_vocabulary::humane::{moment, size};
use ostler_vocabulary::{ErrorKind, Failure};

use super::Page;
use super::backup::selector;
use super::frame::{encoded, nothing, operates, page};
use super::table::{Column, table};
use crate::access::Identity;
use crate::serve::Web;
use crate::v1::{Pairs, one_level, send};

/// Entries of a directory that are shown.
const ROWS: usize = 1000;
const COLUMNS: &[Column] = &[
    Column("Name", false),
    Column("Kind", false),
    Column("Size", true),
    Column("Modified", false),
    Column("Mode", false),
];

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((vault, backup)): Path<(String, String)>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let directory = pairs.path("path")?;
    let list = web
        .client(&identity)
        .files(&selector(&vault, &backup), directory.as_deref())
        .await?;
    let base = format!("/backups/{}/{}", encoded(&vault), list.backup);
    let mut files = one_level(list.files, directory.as_deref());
    files.sort_by_key(|entry| (entry.kind != "directory", entry.path.clone()));
    let title = match &directory {
        None => format!("Files of backup {}", list.backup.short()),
        Some(directory) => format!("Files in {}", directory.display()),
    };
    let rows: Vec<Vec<Markup>> = files
        .iter()
        .take(ROWS)
        .map(|entry| row(&identity, &base, directory.as_deref(), entry))
        .collect();
    let body = html! {
        (crumbs(&base, &list.backup.short(), directory.as_deref()))
        @if rows.is_empty() {
            (nothing("This directory is empty.", &html! { a href={ (base) "/files" } { "To the top" } }))
        } @else {
            (table("Files", COLUMNS, &rows))
        }
        @if files.len() > ROWS { p.muted { "The first " (ROWS) " of " (files.len()) " entries." } }
        @if !operates(&identity) { p.muted { "Contents are for operators." } }
    };
    Ok(page(&identity, "/backups", &title, body))
}

fn crumbs(base: &str, backup: &str, directory: Option<&FilePath>) -> Markup {
    let mut above: Vec<&FilePath> = directory.into_iter().flat_map(FilePath::ancestors).collect();
    above.reverse();
    html! {
        nav.crumbs aria-label="Where this is" {
            ol {
                li { a href=(base) { "Backup " (backup) } }
                li { a href={ (base) "/files" } { "Files" } }
                @for path in above.iter().filter(|path| path.file_name().is_some()) {
                    li { a href={ (base) "/files?path=" (encoded(&path.to_string_lossy())) } {
                        (path.file_name().unwrap_or_default().to_string_lossy())
                    } }
                }
            }
        }
    }
}

fn row(identity: &Identity, base: &str, directory: Option<&FilePath>, entry: &FileEntry) -> Vec<Markup> {
    let path = FilePath::new(&entry.path);
    let name = match directory {
        Some(_) => path
            .file_name()
            .map_or(entry.path.clone(), |name| name.to_string_lossy().into_owned()),
        None => entry.path.clone(),
    };
    let there = encoded(&entry.path);
    let is_directory = entry.kind == "directory";
    vec![
        html! {
            @if is_directory {
                a href={ (base) "/files?path=" (there) } { (name) "/" }
            } @else if entry.kind == "file" && operates(identity) {
                a href={ (base) "/file?path=" (there) } download aria-label={ "Download " (name) } { (name) }
            } @else {
                (name) @if let Some(target) = &entry.target { " → " (target) }
            }
        },
        html! { (entry.kind.replace('_', " ")) },
        html! { @if is_directory { "–" } @else { (size(entry.size)) } },
        html! { (moment(entry.modified)) },
        html! { code { (entry.mode) } },
    ]
}

pub(super) async fn download(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((vault, backup)): Path<(String, String)>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let path: PathBuf = pairs
        .path("path")?
        .ok_or_else(|| Failure::new(ErrorKind::Invalid, "no file is named"))?;
    Ok(send(&web, &identity, &selector(&vault, &backup), path, true, false).await?)
}
