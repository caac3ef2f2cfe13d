//! `promtool` of Debian's package `prometheus`.

use std::path::PathBuf;

use anyhow::Result;

use super::debian;

/// The checker of rules and of what is scraped.
///
/// # Errors
/// When the package cannot be had.
pub fn promtool() -> Result<PathBuf> {
    Ok(debian("prometheus", &["prometheus"])?.join("usr/bin/promtool"))
}
