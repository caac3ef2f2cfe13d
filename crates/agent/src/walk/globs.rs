//! Patterns of paths: what is left out, and what is said of files by their names. Normative for users in
//! `docs/reference/patterns.md`.
//!
//! - A pattern without `/` matches a name at any depth: `*.tmp`, `node_modules`.
//! - A pattern that starts with `/` matches the absolute path: `/srv/data/cache`.
//! - Any other pattern with `/` matches the last parts of a path: `cache/*.bin`.
//! - A trailing `/` makes it match directories only.
//! - `*` and `?` (one byte) do not match `/`; `**` does; `[a-z]` and `{a,b}` work.
//!
//! What is below a directory that matches is left out with it. The paths that were asked for never match.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::Error;

#[derive(Debug, Default)]
pub(crate) struct Globs {
    names: Patterns,
    paths: Patterns,
}

#[derive(Debug, Default)]
struct Patterns {
    any: GlobSet,
    directories: GlobSet,
}

impl Patterns {
    fn matches(&self, bytes: &[u8], directory: bool) -> bool {
        let text = OsStr::from_bytes(bytes);
        (!self.any.is_empty() && self.any.is_match(text))
            || (directory && !self.directories.is_empty() && self.directories.is_match(text))
    }
}

impl Globs {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, Error> {
        let mut sets: [GlobSetBuilder; 4] = std::array::from_fn(|_| GlobSetBuilder::new());
        for pattern in patterns {
            let (body, directories) = match pattern.strip_suffix('/') {
                Some(body) => (body, 1),
                None => (pattern.as_str(), 0),
            };
            if body.is_empty() {
                return Err(Error::EmptyPattern);
            }
            let (glob, paths) = if body.starts_with('/') {
                (body.to_owned(), 2)
            } else if body.contains('/') {
                (format!("**/{body}"), 2)
            } else {
                (body.to_owned(), 0)
            };
            let wrong = |source| Error::Pattern {
                pattern: pattern.clone(),
                source,
            };
            let glob = GlobBuilder::new(&glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(wrong)?;
            sets[paths + directories].add(glob);
        }
        let failed = |source| Error::Pattern {
            pattern: patterns.join(" "),
            source,
        };
        let [names, name_directories, paths, path_directories] = sets.map(|set| set.build().map_err(failed));
        Ok(Self {
            names: Patterns {
                any: names?,
                directories: name_directories?,
            },
            paths: Patterns {
                any: paths?,
                directories: path_directories?,
            },
        })
    }

    /// Whether any pattern looks at names, or at whole paths.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.names, &self.paths]
            .iter()
            .all(|patterns| patterns.any.is_empty() && patterns.directories.is_empty())
    }

    /// `absolute` has its leading `/`; `name` is its last part.
    pub(crate) fn matches(&self, absolute: &[u8], name: &[u8], directory: bool) -> bool {
        self.names.matches(name, directory) || self.paths.matches(absolute, directory)
    }
}

#[cfg(test)]
mod tests {
    use super::Globs;
    use crate::Error;

    #[test]
    fn patterns_match_as_documented() {
        for (pattern, path, directory, expected) in [
            ("*.tmp", "/a/b/x.tmp", false, true),
            ("*.tmp", "/a/x.tmp/y", false, false),
            ("node_modules", "/a/node_modules", true, true),
            ("node_modules/", "/a/node_modules", false, false),
            ("node_modules/", "/a/node_modules", true, true),
            ("/srv/*.log", "/srv/a.log", false, true),
            ("/srv/*.log", "/srv/x/a.log", false, false),
            ("/srv/*.log", "/x/srv/a.log", false, false),
            ("/srv/**/*.log", "/srv/x/y/a.log", false, true),
            ("cache/*.bin", "/a/cache/x.bin", false, true),
            ("cache/*.bin", "/a/cache/b/x.bin", false, false),
            ("**/c", "/a/b/c", false, true),
            ("{a,b}[0-9]", "/x/b7", false, true),
        ] {
            let globs = Globs::new(&[pattern.to_owned()]).unwrap();
            let name = path.rsplit('/').next().unwrap();
            assert_eq!(
                globs.matches(path.as_bytes(), name.as_bytes(), directory),
                expected,
                "{pattern} against {path}"
            );
        }
        assert!(!Globs::new(&["*.tmp".to_owned()]).unwrap().is_empty());
        assert!(Globs::new(&[]).unwrap().is_empty());
    }

    #[test]
    fn names_that_are_not_text_match_too() {
        let globs = Globs::new(&["*.tmp".to_owned()]).unwrap();
        assert!(globs.matches(b"/\xff.tmp", b"\xff.tmp", false));
    }

    #[test]
    fn a_broken_pattern_is_named_and_an_empty_one_is_refused() {
        for empty in ["", "/"] {
            assert!(matches!(
                Globs::new(&[empty.to_owned()]),
                Err(Error::EmptyPattern)
            ));
        }
        let error = Globs::new(&["a[".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("a["), "{error}");
    }
}
