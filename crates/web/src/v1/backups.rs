//! Backups.

use std::path::{Path as FilePath, PathBuf};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body::Frame;
use http_body_util::StreamBody;
use ostler_api::client::Mark;
use ostler_api::document::{BackupDetail, BackupList, BackupSummary, Diff, FileEntry, FileList};
use ostler_api::request::Selector;
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json;
use super::paging::{Paged, Wanted, newest_first};
use super::query::Pairs;
use crate::access::Identity;
use crate::problem::{Problem, ProblemDocument};
use crate::serve::Web;

/// The trailer with the problem of a content that ends too early.
pub(crate) const PROBLEM_TRAILER: &str = "ostler-problem";

/// Two backups that are compared.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    pub from: Selector,
    pub to: Selector,
}

/// Which backup was marked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Marked {
    pub backup: BackupId,
}

pub(super) async fn list(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Paged<BackupList>>, Problem> {
    let wanted = Wanted::of(&pairs)?;
    let mut document = web
        .client(&identity)
        .backups(pairs.one("vault")?, &pairs.filter()?)
        .await?;
    // A copy in another vault has the same id.
    let key = |backup: &BackupSummary| {
        newest_first(backup.started, &format_args!("{}-{}", backup.id, backup.vault))
    };
    document.backups.sort_by(|one, other| {
        let place = |of: &BackupSummary| (of.started.as_microsecond(), of.id);
        let newer = place(other).cmp(&place(one));
        newer.then_with(|| other.vault.cmp(&one.vault))
    });
    let next = wanted.cut(
        &mut document.backups,
        |backup, after| key(backup).as_str() < after,
        key,
    );
    Ok(Json(Paged { document, next }))
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(backup): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<BackupDetail>, Problem> {
    Ok(Json(
        web.client(&identity).backup(&pairs.selector(backup)?).await?,
    ))
}

pub(super) async fn files(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(backup): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Paged<FileList>>, Problem> {
    let mut wanted = Wanted::of(&pairs)?;
    let path = pairs.path("path")?;
    let selector = pairs.selector(backup)?;
    let mut document = web.client(&identity).files(&selector, path.as_deref()).await?;
    if pairs.is_on("one_level")? {
        document.files = one_level(document.files, path.as_deref());
    }
    // A backup never changes, so the place of the last file is a key that stays.
    let mut rows: Vec<(usize, FileEntry)> = document.files.into_iter().enumerate().collect();
    wanted.after = wanted.after.map(|after| format!("{:0>12}", after));
    let key = |row: &(usize, FileEntry)| format!("{:012}", row.0);
    let next = wanted.cut(&mut rows, |row, after| key(row).as_str() > after, key);
    document.files = rows.into_iter().map(|(_, entry)| entry).collect();
    Ok(Json(Paged { document, next }))
}

/// The entries directly in a directory; without one, those that lie in no other listed entry.
pub(crate) fn one_level(files: Vec<FileEntry>, directory: Option<&FilePath>) -> Vec<FileEntry> {
    let Some(directory) = directory else {
        let mut top: Vec<FileEntry> = Vec::new();
        for entry in files {
            let inside = |known: &FileEntry| FilePath::new(&entry.path).starts_with(&known.path);
            if !top.last().is_some_and(inside) {
                top.push(entry);
            }
        }
        return top;
    };
    files
        .into_iter()
        .filter(|entry| {
            let parent = FilePath::new(&entry.path).parent();
            parent.is_some_and(|parent| parent == directory || parent.strip_prefix("/") == Ok(directory))
        })
        .collect()
}

pub(super) async fn content(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(backup): Path<String>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = pairs
        .path("path")?
        .ok_or_else(|| Failure::new(ErrorKind::Invalid, "parameter `path` is missing"))?;
    let selector = pairs.selector(backup)?;
    let takes_trailers = headers
        .get_all(header::TE)
        .iter()
        .any(|value| value.as_bytes().windows(8).any(|part| part == b"trailers"));
    send(
        &web,
        &identity,
        &selector,
        path,
        pairs.is_on("allow_incomplete")?,
        takes_trailers,
    )
    .await
}

/// The content as an answer. What is found wrong on the way breaks the answer off, so that nobody takes a part for the
/// whole; whoever takes trailers is told what it is.
pub(crate) async fn send(
    web: &Web,
    identity: &Identity,
    selector: &Selector,
    path: PathBuf,
    allow_incomplete: bool,
    takes_trailers: bool,
) -> Result<Response, Problem> {
    let receiver = web
        .client(identity)
        .read_file(selector, &path, allow_incomplete)
        .await?;
    let frames = stream::unfold(Some(receiver), move |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await? {
            Ok(bytes) => Some((Ok(Frame::data(Bytes::from(bytes))), Some(receiver))),
            Err(failure) if takes_trailers => Some((Ok(Frame::trailers(trailer(&failure))), None)),
            Err(failure) => Some((Err(std::io::Error::other(failure.messages().join(": "))), None)),
        }
    });
    let mut response = Body::new(StreamBody::new(frames)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    if let Ok(value) = HeaderValue::from_str(&disposition(&path)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    if takes_trailers {
        headers.insert(header::TRAILER, HeaderValue::from_static(PROBLEM_TRAILER));
    }
    Ok(response)
}

fn trailer(failure: &Failure) -> HeaderMap {
    // Headers hold no line ends and nothing but ASCII for sure: JSON escapes the rest.
    let text = serde_json::to_string(&ProblemDocument::of(failure)).unwrap_or_default();
    let ascii: String = text.chars().flat_map(escaped).collect();
    let value = HeaderValue::from_str(&ascii).unwrap_or(HeaderValue::from_static("{}"));
    HeaderMap::from_iter([(HeaderName::from_static(PROBLEM_TRAILER), value)])
}

fn escaped(c: char) -> Vec<char> {
    if c.is_ascii() {
        return vec![c];
    }
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units);
    units
        .iter()
        .flat_map(|unit| format!("\\u{unit:04x}").chars().collect::<Vec<_>>())
        .collect()
}

/// Saves under the file's name, whatever bytes it has.
fn disposition(path: &FilePath) -> String {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let encoded: String = name
        .iter()
        .map(|byte| match plain(byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

pub(super) async fn mark(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(backup): Path<String>,
    Query(pairs): Query<Pairs>,
    body: Bytes,
) -> Result<Json<Marked>, Problem> {
    let mark: Mark = json(&body)?;
    let client = web.client(&identity);
    let backup = client.mark(&pairs.selector(backup)?, mark).await?;
    Ok(Json(Marked { backup }))
}

pub(super) async fn diff(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<Diff>, Problem> {
    let pair: Pair = json(&body)?;
    Ok(Json(web.client(&identity).diff(&pair.from, &pair.to).await?))
}
