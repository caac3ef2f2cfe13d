//! Listing a directory tree in the order of its keys, one page at a time.

use std::fs;
use std::io;
use std::path::Path;

use super::{modified, unfinished};
use crate::key::fault;
use crate::{Key, LONGEST_PAGE, Object, Page};

/// One page of the objects below `root` that start with `prefix` and come after `after`.
pub(super) fn page(root: &Path, prefix: &str, after: Option<&Key>) -> io::Result<Page> {
    page_of(LONGEST_PAGE, root, prefix, after)
}

fn page_of(length: usize, root: &Path, prefix: &str, after: Option<&Key>) -> io::Result<Page> {
    let mut walk = Walk {
        length,
        prefix,
        after: after.map(Key::as_str),
        objects: Vec::new(),
        more: false,
    };
    // Nothing above the last `/` of the prefix needs to be looked at.
    let (above, base) = match prefix.rsplit_once('/') {
        Some((above, _)) => (root.join(above), format!("{above}/")),
        None => (root.to_owned(), String::new()),
    };
    walk.directory(&above, &base)?;
    let next = walk
        .objects
        .last()
        .filter(|_| walk.more)
        .map(|last| last.key.clone());
    Ok(Page {
        objects: walk.objects,
        next,
    })
}

struct Walk<'a> {
    /// The most objects of the page.
    length: usize,
    prefix: &'a str,
    after: Option<&'a str>,
    objects: Vec<Object>,
    more: bool,
}

impl Walk<'_> {
    /// `base` is the start of the keys in this directory: empty or with a `/` at its end.
    fn directory(&mut self, directory: &Path, base: &str) -> io::Result<()> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            // Removed since it was seen, or never there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
            Err(error) => return Err(error),
        };
        // In the order of keys a directory's name counts with its `/`: `a-b` comes before `a/b`.
        let mut names: Vec<String> = Vec::new();
        let begins = self.prefix.get(base.len()..).unwrap_or_default();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !name.starts_with(begins) {
                continue;
            }
            let kind = match entry.file_type()? {
                // A part of the store may lie on another disk.
                kind if kind.is_symlink() => match fs::metadata(entry.path()) {
                    Ok(found) => found.file_type(),
                    Err(_) => continue,
                },
                kind => kind,
            };
            let mut key = format!("{base}{name}");
            if fault(&key).is_some() || key == unfinished::DIRECTORY {
                continue;
            }
            if kind.is_dir() {
                key.push('/');
                if self.may_hold_any(&key) {
                    names.push(key);
                }
            } else if kind.is_file() && self.wants(&key) {
                names.push(key);
            }
        }
        names.sort_unstable();
        for key in names {
            let path = directory.join(&key[base.len()..]);
            if key.ends_with('/') {
                self.directory(&path, &key)?;
            } else {
                self.file(&path, key)?;
            }
            if self.more {
                break;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, key: String) -> io::Result<()> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.objects.len() == self.length {
            self.more = true;
            return Ok(());
        }
        if let Ok(key) = Key::new(key) {
            self.objects.push(Object {
                key,
                size: found.len(),
                modified: modified(&found),
            });
        }
        Ok(())
    }

    fn wants(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }

    /// Whether a key that starts with this directory's name can be wanted.
    fn may_hold_any(&self, directory: &str) -> bool {
        let in_prefix = directory.starts_with(self.prefix) || self.prefix.starts_with(directory);
        in_prefix
            && self
                .after
                .is_none_or(|after| directory > after || after.starts_with(directory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_any_length_hold_everything_once_and_in_order() {
        let root = tempfile::tempdir().unwrap();
        let mut keys: Vec<String> = (0..3).map(|n| format!("a-{n}")).collect();
        keys.extend((0..7).map(|n| format!("a/{}/{n}", n % 2)));
        keys.push("b".to_owned());
        for key in &keys {
            let path = root.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        keys.sort();
        for length in 1..=keys.len() + 1 {
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let page = page_of(length, root.path(), "", after.as_ref()).unwrap();
                assert!(page.objects.len() <= length);
                listed.extend(page.objects.iter().map(|object| object.key.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(listed, keys, "in pages of {length}");
        }
    }
}
