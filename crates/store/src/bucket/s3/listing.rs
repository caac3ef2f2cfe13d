//! Listings of versions, as S3 writes them:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>. Pure.

use super::super::fault::element;
use crate::{Version, VersionId};

/// A page of a listing of versions: names in order, of each the newest version first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) entries: Vec<(String, Version)>,
    pub(super) is_truncated: bool,
    pub(super) next_key: String,
    pub(super) next_version: String,
}

/// Reads a page. What is not understood is left out.
pub(super) fn parse(body: &str) -> Listing {
    let mut listing = Listing {
        is_truncated: element(body, "IsTruncated") == "true",
        next_key: element(body, "NextKeyMarker"),
        next_version: element(body, "NextVersionIdMarker"),
        ..Listing::default()
    };
    let mut rest = body;
    let mut entries = Vec::new();
    while let Some((is_marker, entry, behind)) = next(rest) {
        rest = behind;
        let modified = element(entry, "LastModified").parse().ok();
        let version = Version {
            id: VersionId(element(entry, "VersionId")),
            size: element(entry, "Size").parse().unwrap_or(0),
            modified,
            is_marker,
        };
        let is_latest = element(entry, "IsLatest") == "true";
        entries.push((name(entry), version, is_latest));
    }
    merge(&mut entries);
    let named = |(name, version, _)| (name, version);
    listing.entries = entries.into_iter().map(named).collect();
    listing
}

/// Some services write all delete markers first, and then the versions that belong between them.
fn merge(entries: &mut [(String, Version, bool)]) {
    let markers = entries
        .iter()
        .take_while(|(_, version, _)| version.is_marker)
        .count();
    let (Some(last), Some(next)) = (markers.checked_sub(1), entries.get(markers)) else {
        return;
    };
    let is_apart = entries
        .iter()
        .skip(markers)
        .all(|(_, version, _)| !version.is_marker);
    if is_apart && entries.get(last).is_some_and(|(name, ..)| *name >= next.0) {
        entries.sort_by(|(a, x, first), (b, y, second)| {
            a.cmp(b).then(second.cmp(first)).then(y.modified.cmp(&x.modified))
        });
    }
}

/// The next entry: whether it is a delete marker, its text, and what follows.
fn next(text: &str) -> Option<(bool, &str, &str)> {
    const VERSION: (&str, &str) = ("<Version>", "</Version>");
    const MARKER: (&str, &str) = ("<DeleteMarker>", "</DeleteMarker>");
    let first = |tag: &str| text.find(tag).unwrap_or(usize::MAX);
    let (at, is_marker) = (
        first(VERSION.0).min(first(MARKER.0)),
        first(MARKER.0) < first(VERSION.0),
    );
    let (open, close) = if is_marker { MARKER } else { VERSION };
    let inside = text.get(at..)?.strip_prefix(open)?;
    let (entry, behind) = inside.split_once(close)?;
    Some((is_marker, entry, behind))
}

/// The key in full: `element` shortens what is for people.
fn name(entry: &str) -> String {
    entry
        .split_once("<Key>")
        .and_then(|(_, rest)| rest.split_once("</Key>"))
        .map_or_else(String::new, |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Listing, parse};

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>
<KeyMarker/><VersionIdMarker/><NextKeyMarker>p/b</NextKeyMarker><NextVersionIdMarker>w=</NextVersionIdMarker>
<MaxKeys>3</MaxKeys><IsTruncated>true</IsTruncated>
<DeleteMarker><Key>p/a</Key><VersionId>x3</VersionId><IsLatest>true</IsLatest>
<LastModified>2026-11-21T16:00:02.000Z</LastModified></DeleteMarker>
<Version><Key>p/a</Key><VersionId>x1</VersionId><IsLatest>false</IsLatest><Size>5</Size>
<LastModified>2026-11-21T16:00:01.000Z</LastModified><ETag>&quot;e&quot;</ETag></Version>
<Version><Key>p/b</Key><VersionId>w=</VersionId><Size>7</Size></Version></ListVersionsResult>"#;

    #[test]
    fn versions_and_delete_markers_are_read_in_their_order() {
        let listing = parse(PAGE);
        assert!(listing.is_truncated);
        assert_eq!(
            (listing.next_key.as_str(), listing.next_version.as_str()),
            ("p/b", "w=")
        );
        let seen: Vec<_> = listing
            .entries
            .iter()
            .map(|(key, version)| {
                (
                    key.as_str(),
                    version.id.0.as_str(),
                    version.size,
                    version.is_marker,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("p/a", "x3", 0, true),
                ("p/a", "x1", 5, false),
                ("p/b", "w=", 7, false)
            ]
        );
        assert!(listing.entries[0].1.modified > listing.entries[1].1.modified);
        assert_eq!(listing.entries[2].1.modified, None);
    }

    #[test]
    fn delete_markers_that_are_written_first_get_to_their_places() {
        let entry = |tag: &str, key: &str, id: &str, latest: bool, second: u8| {
            format!(
                "<{tag}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest>\
                 <LastModified>2026-11-21T16:00:0{second}Z</LastModified></{tag}>"
            )
        };
        let page = [
            entry("DeleteMarker", "b", "b2", false, 2),
            entry("DeleteMarker", "c", "c2", true, 5),
            entry("Version", "a", "a1", true, 1),
            entry("Version", "b", "b3", true, 2),
            entry("Version", "b", "b1", false, 1),
            entry("Version", "c", "c1", false, 5),
        ];
        let seen: Vec<String> = parse(&page.concat())
            .entries
            .into_iter()
            .map(|(_, version)| version.id.0)
            .collect();
        assert_eq!(seen, ["a1", "b3", "b2", "b1", "c2", "c1"]);
    }

    #[test]
    fn what_is_cut_short_is_left_out() {
        for end in 0..PAGE.len() {
            assert!(parse(&PAGE[..end]).entries.len() <= 3);
        }
        assert_eq!(parse(""), Listing::default());
        assert_eq!(parse("</Version><Version>"), Listing::default());
    }
}
