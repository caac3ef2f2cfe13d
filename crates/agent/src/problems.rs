//! What went wrong with single files.

use std::sync::Mutex;

use ostler_api::document::Problem;

use crate::path::shown_absolute;

/// How many problems a report lists.
const LISTED: usize = 1000;

/// Problems as threads come to them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    list: Vec<(Vec<u8>, String)>,
    count: u64,
}

impl Problems {
    /// `path` is listed: absolute, without the leading `/`.
    pub(crate) fn add(&self, path: &[u8], reason: impl Into<String>) {
        let mut found = self
            .found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        found.count += 1;
        if found.list.len() < LISTED {
            found.list.push((path.to_vec(), reason.into()));
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .count
    }

    /// The first thousand, by path.
    pub(crate) fn list(&self) -> Vec<Problem> {
        let mut found = self
            .found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut list = std::mem::take(&mut found.list);
        list.sort();
        list.into_iter()
            .map(|(path, reason)| Problem {
                path: shown_absolute(&path),
                reason,
            })
            .collect()
    }
}
