//! The order of paths in a list, and which paths a list may hold.

use std::cmp::Ordering;

/// The order of paths in a list: byte by byte, with `/` before every other byte, so that what is in a directory
/// follows it directly and nothing else comes between.
#[must_use]
pub fn path_order(a: &[u8], b: &[u8]) -> Ordering {
    let shared = shared_prefix(a, b);
    match (a.get(shared), b.get(shared)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => rank(*a).cmp(&rank(*b)),
    }
}

fn rank(byte: u8) -> u16 {
    if byte == b'/' { 0 } else { u16::from(byte) + 1 }
}

/// How many bytes the two have in common at their start.
pub(super) fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    let limit = a.len().min(b.len());
    // Neighbours in a list share long prefixes: eight bytes at a time, then one by one.
    let mut at = 0;
    while let (Some(x), Some(y)) = (a.get(at..at + 8), b.get(at..at + 8)) {
        if x != y {
            break;
        }
        at += 8;
    }
    while at < limit && a[at] == b[at] {
        at += 1;
    }
    at
}

/// Whether `path` is `root` or lies below it. The empty root holds everything.
#[must_use]
pub(super) fn is_within(path: &[u8], root: &[u8]) -> bool {
    match path.strip_prefix(root) {
        Some([]) => true,
        Some(rest) => root.is_empty() || rest.first() == Some(&b'/'),
        None => false,
    }
}

/// Whether a list may hold this path: no NUL, no empty, `.` or `..` part, no `/` at either end. The empty path is
/// the root directory.
#[must_use]
pub(super) fn is_storable(path: &[u8]) -> bool {
    path.is_empty()
        || path
            .split(|byte| *byte == b'/')
            .all(|part| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0))
}

#[cfg(test)]
mod tests {
    use super::{is_storable, is_within, path_order};
    use proptest::prelude::*;

    #[test]
    fn what_is_in_a_directory_follows_it_directly() {
        let mut paths: Vec<&[u8]> = vec![b"a.b", b"a/c", b"a", b"a\x01", b"a/b/d", b"", b"a/b", b"a!"];
        paths.sort_by(|a, b| path_order(a, b));
        let expected: Vec<&[u8]> = vec![b"", b"a", b"a/b", b"a/b/d", b"a/c", b"a\x01", b"a!", b"a.b"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_sibling_with_the_same_start_is_not_within() {
        assert!(is_within(b"a/b", b"a"));
        assert!(is_within(b"a", b"a"));
        assert!(is_within(b"anything", b""));
        assert!(!is_within(b"ab", b"a"));
        assert!(!is_within(b"a", b"a/b"));
    }

    #[test]
    fn paths_that_could_leave_the_target_are_not_storable() {
        for path in [&b"a/../b"[..], b"..", b".", b"/a", b"a/", b"a//b", b"a\0b"] {
            assert!(!is_storable(path), "{path:?}");
        }
        for path in [&b""[..], b"a", b"a/..b", b"a/b..", b".a/\xff\n"] {
            assert!(is_storable(path), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_parts(a in "[a./!]{0,24}", b in "[a./!]{0,24}") {
            let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(path_order(a.as_bytes(), b.as_bytes()), parts(&a).cmp(&parts(&b)));
        }
    }
}
