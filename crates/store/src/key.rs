//! Names of objects.

use std::fmt;

use crate::Error;

/// The longest key, in bytes.
const LONGEST_KEY: usize = 900;
/// The longest part of a key, in bytes: what a file system allows for a file's name.
const LONGEST_PART: usize = 255;

/// An object's name: `/`-separated parts of letters, digits, `-`, `_`, `.` and `=`, none empty, `.` or `..`, none
/// longer than 255 bytes, 900 bytes in all. Every store we know takes these unchanged.
///
/// The first part is never `tmp`, which stores keep for unfinished objects. A store may refuse a key that goes on
/// behind another one with a `/` (`a` beside `a/b`), since a file system cannot hold both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`Error::Key`] when it breaks a rule above.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        match fault(&name) {
            None => Ok(Self(name)),
            Some(reason) => Err(Error::Key { name, reason }),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Checks the start of keys that a listing is asked for: a key, or the beginning of one, or nothing.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), Error> {
    let whole = prefix.strip_suffix('/').unwrap_or(prefix);
    // `a/.` may go on as `a/.b`, so the last part is judged by its letters only.
    let (parents, last) = match whole.rsplit_once('/') {
        Some((parents, last)) if whole.len() == prefix.len() => (parents, last),
        _ if whole.len() == prefix.len() => ("", whole),
        _ => (whole, ""),
    };
    let parents_are_right = parents.is_empty() && !prefix.starts_with('/') || fault(parents).is_none();
    if parents_are_right && last.bytes().all(is_letter) && prefix.len() <= LONGEST_KEY {
        Ok(())
    } else {
        Err(Error::Key {
            name: prefix.to_owned(),
            reason: "no key can start like this",
        })
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=')
}

/// Why this is not a key; `None` when it is one.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > LONGEST_KEY {
        return Some("it is longer than 900 bytes");
    }
    for part in name.split('/') {
        if part.is_empty() {
            return Some("a part between two `/` is empty");
        }
        if part == "." || part == ".." {
            return Some("a part is `.` or `..`");
        }
        if part.len() > LONGEST_PART {
            return Some("a part is longer than 255 bytes");
        }
        if !part.bytes().all(is_letter) {
            return Some("only letters, digits, `-`, `_`, `.`, `=` and `/` are allowed");
        }
    }
    if name == "tmp" || name.starts_with("tmp/") {
        return Some("`tmp` is kept for unfinished objects");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Key, check_prefix};

    #[test]
    fn keys_that_some_store_would_change_or_refuse_are_refused_here() {
        for name in [
            "a",
            "packs/ab/cd",
            "a.b-c_d=e",
            "...",
            "a/tmp",
            "tmpx/a",
            &"k".repeat(255),
        ] {
            assert_eq!(Key::new(name).expect(name).as_str(), name);
        }
        let long = ["k".repeat(200).as_str(); 5].join("/");
        for name in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "a/..",
            "../a",
            "a b",
            "a\\b",
            "é",
            "a\0",
            "a~",
            "tmp",
            "tmp/x",
            &long,
            &"k".repeat(256),
        ] {
            assert!(Key::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_listing_may_ask_for_any_beginning_of_a_key() {
        for prefix in ["", "packs", "packs/", "packs/a", "a/.", "a/..b", "t", "tm"] {
            assert!(check_prefix(prefix).is_ok(), "{prefix:?}");
        }
        for prefix in ["/", "/a", "a//", "a/../b", "..//", "../", "a b", "tmp/", "tmp/x"] {
            assert!(check_prefix(prefix).is_err(), "{prefix:?}");
        }
    }
}
