//! Paths as bytes: how they are listed, shown, and turned back.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The bytes as text: what is not UTF-8, control characters and backslashes as `\xNN`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for piece in bytes.utf8_chunks() {
        for character in piece.valid().chars() {
            if character.is_control() || character == '\\' {
                let mut buffer = [0; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            } else {
                text.push(character);
            }
        }
        for byte in piece.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A listed path (absolute, without the leading `/`) as people know it.
pub(crate) fn shown_absolute(listed: &[u8]) -> String {
    let mut text = String::with_capacity(listed.len() + 1);
    text.push('/');
    text.push_str(&shown(listed));
    text
}

/// A listed path as the operating system takes it.
pub(crate) fn absolute(listed: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(listed.len() + 1);
    bytes.push(b'/');
    bytes.extend_from_slice(listed);
    PathBuf::from(OsString::from_vec(bytes))
}

/// An absolute path as it is listed: without leading, trailing and doubled `/` and without `.`; `None` when it is
/// relative or has `..`.
pub(crate) fn listed(path: &Path) -> Option<Vec<u8>> {
    if path.is_absolute() { joined(path) } else { None }
}

/// A relative path without `.` and doubled `/`; `None` when it has `..`.
pub(crate) fn joined(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in path.as_os_str().as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part => push(&mut bytes, part),
        }
    }
    Some(bytes)
}

/// Appends one more part.
pub(crate) fn push(path: &mut Vec<u8>, part: &[u8]) {
    if !path.is_empty() && !part.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(part);
}

/// Parent and last part; the parent of a single part is empty.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

/// What is left of `path` below `ancestor`: empty when they are the same, `None` when it is not below.
pub(crate) fn below<'a>(path: &'a [u8], ancestor: &[u8]) -> Option<&'a [u8]> {
    if ancestor.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(ancestor)?;
    match rest.first() {
        None => Some(rest),
        Some(b'/') => Some(&rest[1..]),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn any_bytes_are_shown_without_loss() {
        assert_eq!(super::shown(b"a\xff\n\\ \xc3\xa4"), "a\\xff\\x0a\\x5c \u{e4}");
    }

    #[test]
    fn paths_are_listed_in_one_way_only() {
        for (path, listed) in [
            ("/", Some("")),
            ("/a//b/./c/", Some("a/b/c")),
            ("a", None),
            ("/a/../b", None),
        ] {
            assert_eq!(
                super::listed(Path::new(path)).as_deref(),
                listed.map(str::as_bytes),
                "{path}"
            );
        }
    }

    #[test]
    fn below_goes_by_whole_parts() {
        assert_eq!(super::below(b"a/b/c", b"a/b"), Some(&b"c"[..]));
        assert_eq!(super::below(b"a/b", b"a/b"), Some(&b""[..]));
        assert_eq!(super::below(b"a/bc", b"a/b"), None);
        assert_eq!(super::below(b"a", b""), Some(&b"a"[..]));
    }
}
