//! The one number that some verbs take.

use anyhow::{Context, Result, bail};

/// The number that a verb was given, or the usual one.
pub fn given(arguments: &[String], verb: &str, what: &str, usual: u64) -> Result<u64> {
    match arguments {
        [] => Ok(usual),
        [number] => number
            .parse()
            .with_context(|| format!("`{number}` is no number of {what}")),
        _ => bail!("{verb} takes one number"),
    }
}
