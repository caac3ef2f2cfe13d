//! Whether two trees hold the same files with the same bytes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// An error names the first difference.
pub fn check(left: &Path, right: &Path) -> Result<()> {
    let names = names(left)?;
    let others = self::names(right)?;
    if let Some(name) = names.symmetric_difference(&others).next() {
        bail!(
            "{} is only in one of {} and {}",
            name.display(),
            left.display(),
            right.display()
        );
    }
    for name in names {
        let (left, right) = (left.join(&name), right.join(&name));
        let kind = fs::symlink_metadata(&left)?.file_type();
        ensure!(
            kind == fs::symlink_metadata(&right)?.file_type(),
            "{} has another kind",
            right.display()
        );
        if kind.is_dir() {
            check(&left, &right)?;
        } else if kind.is_symlink() {
            ensure!(
                fs::read_link(&left)? == fs::read_link(&right)?,
                "{} points elsewhere",
                right.display()
            );
        } else {
            ensure!(
                fs::read(&left)? == fs::read(&right)?,
                "{} differs",
                right.display()
            );
        }
    }
    Ok(())
}

fn names(folder: &Path) -> Result<BTreeSet<OsString>> {
    fs::read_dir(folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}
