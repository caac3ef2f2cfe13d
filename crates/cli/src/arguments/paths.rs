//! Paths people type, as the absolute paths requests have.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use ostler_vocabulary::Failure;

use crate::error::CommandError;

/// The absolute path of something that exists. Links on the way are followed; the last one is not, so that a link
/// can be backed up as a link, unless the path ends in a slash, which asks for what the link points to.
pub(crate) fn source_path(path: &Path, directory: &Path) -> Result<PathBuf, Failure> {
    let joined = directory.join(path);
    let follow = ends_inside(path);
    let resolved = match (joined.parent(), joined.file_name()) {
        (Some(parent), Some(name)) if !follow => parent.canonicalize().map(|parent| parent.join(name)),
        _ => joined.canonicalize(),
    };
    let resolved = resolved.and_then(|resolved| resolved.symlink_metadata().map(|_| resolved));
    resolved.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CommandError::NothingThere { path: joined }.into(),
        _ => CommandError::LookAt { path: joined, source }.into(),
    })
}

/// The absolute path of something that need not exist. Links in the part that exists are followed.
pub(crate) fn target_path(path: &Path, directory: &Path) -> Result<PathBuf, Failure> {
    let joined = directory.join(path);
    let mut existing = PathBuf::new();
    let mut exists = true;
    for part in joined.components() {
        match part {
            Component::ParentDir => {
                existing.pop();
            }
            Component::CurDir => {}
            part => {
                existing.push(part);
                exists = exists && existing.symlink_metadata().is_ok();
                if exists {
                    existing = existing.canonicalize().map_err(|source| CommandError::LookAt {
                        path: existing.clone(),
                        source,
                    })?;
                }
            }
        }
    }
    Ok(existing)
}

fn ends_inside(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.ends_with(b"/")
        || bytes.ends_with(b"/.")
        || bytes == b"."
        || bytes == b".."
        || bytes.ends_with(b"/..")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{source_path, target_path};

    #[test]
    fn sources_are_absolute_and_only_a_last_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        symlink("a", top.join("link")).unwrap();
        symlink("nowhere", top.join("broken")).unwrap();
        for (typed, expected) in [
            ("a", "a"),
            ("./a/../a/b/", "a/b"),
            ("link", "link"),
            ("link/", "a"),
            ("link/b", "a/b"),
            ("a/b/..", "a"),
            ("broken", "broken"),
        ] {
            assert_eq!(
                source_path(Path::new(typed), &top).unwrap(),
                top.join(expected),
                "{typed}"
            );
        }
        assert_eq!(source_path(Path::new("."), &top).unwrap(), top);
        assert_eq!(source_path(Path::new("/"), &top).unwrap(), Path::new("/"));
        assert!(source_path(Path::new("missing"), &top).is_err());
        assert!(source_path(Path::new("broken/"), &top).is_err());
    }

    #[test]
    fn targets_need_not_exist() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().canonicalize().unwrap();
        std::fs::create_dir(top.join("a")).unwrap();
        symlink("a", top.join("link")).unwrap();
        for (typed, expected) in [
            ("new/deep", "new/deep"),
            ("link/new", "a/new"),
            ("x/../a", "a"),
            ("link/..", ""),
        ] {
            assert_eq!(
                target_path(Path::new(typed), &top).unwrap(),
                top.join(expected),
                "{typed}"
            );
        }
    }
}
