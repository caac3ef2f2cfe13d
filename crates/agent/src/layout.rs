//! Where an entry of a backup goes below a target directory.
//!
//! - One backed-up directory: its contents go directly into the target.
//! - One backed-up file: it goes into the target under its name.
//! - Several: each goes to the target followed by its absolute path.
//! - No target: everything goes where it was.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::path::{absolute, below, joined, listed, push, shown_absolute, split};

/// A path that was backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// Absolute, without the leading `/`.
    pub(crate) path: Vec<u8>,
    pub(crate) directory: bool,
}

/// A place below one of the layout's bases. An empty path is the base itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) base: usize,
    pub(crate) path: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Layout {
    roots: Vec<Root>,
    to: Option<PathBuf>,
}

impl Layout {
    pub(crate) fn new(roots: Vec<Root>, to: Option<&Path>) -> Self {
        Self {
            roots,
            to: to.map(Path::to_owned),
        }
    }

    /// The directories that a restore is confined to. What leads to them is the user's own choice and may have links.
    pub(crate) fn bases(&self) -> Vec<PathBuf> {
        match &self.to {
            Some(to) => vec![to.clone()],
            None => {
                let base = |root: &Root| {
                    if root.directory {
                        absolute(&root.path)
                    } else {
                        absolute(split(&root.path).0)
                    }
                };
                self.roots.iter().map(base).collect()
            }
        }
    }

    pub(crate) fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The place of an entry.
    pub(crate) fn place(&self, entry: &[u8]) -> Result<Place, Error> {
        check(entry)?;
        let found = self
            .roots
            .iter()
            .enumerate()
            .find_map(|(index, root)| below(entry, &root.path).map(|rest| (index, root, rest)));
        let Some((index, root, rest)) = found else {
            return Err(damaged(entry, "is not below any path that was backed up"));
        };
        if !root.directory && !rest.is_empty() {
            return Err(damaged(entry, "is below a file"));
        }
        let path = if self.to.is_some() && self.roots.len() > 1 {
            entry.to_vec()
        } else if root.directory {
            rest.to_vec()
        } else {
            split(entry).1.to_vec()
        };
        Ok(Place {
            base: if self.to.is_some() { 0 } else { index },
            path,
        })
    }

    /// What of the backup `include` means: each path as it was backed up, or relative to the only root.
    pub(crate) fn included(&self, include: &[PathBuf]) -> Result<Vec<Vec<u8>>, Error> {
        use std::os::unix::ffi::OsStrExt;
        let mut paths = Vec::new();
        for path in include {
            let wrong = |reason| Error::Path {
                path: crate::path::shown(path.as_os_str().as_bytes()),
                reason,
            };
            let listed = match (listed(path), self.roots.as_slice()) {
                (Some(listed), _) => listed,
                (None, _) if path.is_absolute() => return Err(wrong("it has `..`")),
                (None, [root]) => {
                    let rest = joined(path).ok_or_else(|| wrong("it has `..`"))?;
                    let mut whole = root.path.clone();
                    // A file's name alone means that file.
                    if root.directory || rest != split(&root.path).1 {
                        push(&mut whole, &rest);
                    }
                    whole
                }
                (None, _) => return Err(wrong("the backup has several sources, so it has to be absolute")),
            };
            paths.push(listed);
        }
        paths.sort_by(|a, b| ostler_vault::list::path_order(a, b));
        paths.dedup();
        let mut outer: Vec<Vec<u8>> = Vec::new();
        for path in paths {
            if outer.last().is_none_or(|last| below(&path, last).is_none()) {
                outer.push(path);
            }
        }
        Ok(outer)
    }

    /// The directories between a path and its root, the root first; a restore of the path alone makes them too.
    pub(crate) fn ancestors<'a>(&self, path: &'a [u8]) -> Vec<&'a [u8]> {
        let Some(root) = self.roots.iter().find(|root| below(path, &root.path).is_some()) else {
            return Vec::new();
        };
        let mut ancestors = Vec::new();
        let mut at = path;
        while at.len() > root.path.len() {
            at = split(at).0;
            ancestors.push(at);
        }
        ancestors.reverse();
        ancestors
    }
}

/// Refuses what no walk can have found: paths that would leave their directory.
fn check(entry: &[u8]) -> Result<(), Error> {
    if entry.is_empty() {
        return Ok(());
    }
    for part in entry.split(|byte| *byte == b'/') {
        match part {
            b"" => return Err(damaged(entry, "has an empty part")),
            b"." | b".." => return Err(damaged(entry, "has a part that is `.` or `..`")),
            part if part.contains(&0) => return Err(damaged(entry, "has a NUL byte")),
            part if part.len() > 255 => return Err(damaged(entry, "has a part longer than 255 bytes")),
            _ => {}
        }
    }
    Ok(())
}

fn damaged(entry: &[u8], reason: &'static str) -> Error {
    Error::Entry {
        path: shown_absolute(entry),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Layout, Root};
    use crate::path::shown;

    fn layout(roots: &[(&str, bool)], to: Option<&str>) -> Layout {
        let roots = roots
            .iter()
            .map(|(path, directory)| Root {
                path: path.as_bytes().to_vec(),
                directory: *directory,
            })
            .collect();
        Layout::new(roots, to.map(Path::new))
    }

    fn place(roots: &[(&str, bool)], to: Option<&str>, entry: &str) -> String {
        let layout = layout(roots, to);
        match layout.place(entry.as_bytes()) {
            Ok(place) => {
                let base = &layout.bases()[place.base];
                format!("{} + {}", base.display(), shown(&place.path))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn entries_go_where_the_manual_says() {
        let directory: &[_] = &[("home/u", true)];
        let file: &[_] = &[("etc/hosts", false)];
        let several: &[_] = &[("etc/hosts", false), ("home/u", true)];
        for (roots, to, entry, expected) in [
            (directory, Some("/t"), "home/u", "/t + "),
            (directory, Some("/t"), "home/u/a/b", "/t + a/b"),
            (directory, None, "home/u/a/b", "/home/u + a/b"),
            (file, Some("/t"), "etc/hosts", "/t + hosts"),
            (file, None, "etc/hosts", "/etc + hosts"),
            (several, Some("/t"), "home/u/a", "/t + home/u/a"),
            (several, Some("/t"), "etc/hosts", "/t + etc/hosts"),
            (several, None, "home/u/a", "/home/u + a"),
            (&[("", true)], Some("/t"), "etc/hosts", "/t + etc/hosts"),
            (&[("", true)], None, "etc/hosts", "/ + etc/hosts"),
        ] {
            assert_eq!(place(roots, to, entry), expected, "{roots:?} {to:?} {entry}");
        }
    }

    #[test]
    fn entries_that_would_leave_their_directory_are_damage() {
        let root: &[_] = &[("a", true)];
        for entry in ["a/../b", "a//b", "a/.", "/a", "b", "ab", "a/b\0c", "", "a/"] {
            assert!(place(root, Some("/t"), entry).contains("damaged"), "{entry:?}");
        }
        assert!(place(&[("f", false)], Some("/t"), "f/x").contains("damaged"));
    }

    #[test]
    fn paths_to_include_are_absolute_or_relative_to_the_only_source() {
        let included = |roots: &[_], path: &str| {
            layout(roots, None)
                .included(&[PathBuf::from(path)])
                .map(|paths| shown(&paths[0]))
                .map_err(|_| ())
        };
        let one: &[_] = &[("home/u", true)];
        assert_eq!(included(one, "a/./b"), Ok("home/u/a/b".into()));
        assert_eq!(included(one, "/home/u/a"), Ok("home/u/a".into()));
        assert_eq!(included(one, "../x"), Err(()));
        assert_eq!(included(&[("etc/hosts", false)], "hosts"), Ok("etc/hosts".into()));
        let two: &[_] = &[("a", true), ("b", true)];
        assert_eq!(included(two, "x"), Err(()));
        assert_eq!(included(two, "/b/x"), Ok("b/x".into()));
    }

    #[test]
    fn ancestors_start_at_the_root() {
        let layout = layout(&[("home/u", true)], None);
        let shown: Vec<_> = layout
            .ancestors(b"home/u/a/b")
            .iter()
            .map(|path| shown(path))
            .collect();
        assert_eq!(shown, ["home/u", "home/u/a"]);
        assert!(layout.ancestors(b"home/u").is_empty());
    }
}
