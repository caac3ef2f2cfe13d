//! What is known of files by their names: who writes to them, and how.

use ostler_api::node::Selection;
use ostler_vocabulary::Timestamp;

use super::Found;
use super::globs::Globs;
use super::with_slash;
use crate::Error;
use crate::stat::Stat;
use crate::upload::racy::is_racy;

/// How a file may change while it has its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Class {
    /// In any way.
    #[default]
    Any,
    /// It only grows.
    AppendOnly,
    /// Not any more.
    Immutable,
    /// Not any more; the database that made the snapshot it is in vouches for that.
    Frozen,
}

impl Class {
    /// Whether nothing was written to what was there of a file between the two readings. Names that a file gets or loses
    /// change its change time, and nothing about a file of a class.
    pub(crate) fn same_content(self, before: &Stat, after: &Stat) -> bool {
        match self {
            Self::Any => before.same_version(after),
            Self::AppendOnly => before.same_file(after) && after.size >= before.size,
            Self::Immutable | Self::Frozen => {
                before.same_file(after) && before.size == after.size && before.modified == after.modified
            }
        }
    }

    /// Whether its change time has to be the same for it to be unchanged.
    pub(crate) fn goes_by_change_time(self) -> bool {
        self == Self::Any
    }

    /// Whether it may be written to after it was read without getting another size or time that counts.
    pub(crate) fn is_racy(self, stat: &Stat, read: Timestamp) -> bool {
        match self {
            Self::Any => is_racy(stat.modified, stat.changed, read),
            // Whoever was still writing it is seen by its size or by this time.
            Self::Immutable => is_racy(stat.modified, stat.modified, read),
            // What is appended shows in the size.
            Self::AppendOnly | Self::Frozen => false,
        }
    }
}

/// Which files are of which class.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    frozen: bool,
    immutable: Globs,
    append_only: Globs,
}

impl Classes {
    pub(crate) fn of(selection: &Selection) -> Result<Self, Error> {
        let globs = |patterns: Option<&Vec<String>>| {
            patterns.map_or_else(|| Ok(Globs::default()), |all| Globs::new(all))
        };
        let hold = selection.hold.as_ref();
        Ok(Self {
            frozen: selection.frozen.as_ref().is_some_and(|frozen| frozen.immutable),
            immutable: globs(hold.map(|hold| &hold.immutable))?,
            append_only: globs(hold.map(|hold| &hold.append_only))?,
        })
    }

    /// Whether anything is said of files by their names.
    pub(crate) fn is_empty(&self) -> bool {
        self.immutable.is_empty() && self.append_only.is_empty()
    }

    /// The class of a file. One that is of two only grows: that is less.
    pub(crate) fn class(&self, found: &Found) -> Class {
        let is_one_of = |globs: &Globs| {
            !globs.is_empty() && globs.matches(&with_slash(found.listed()), found.name(), false)
        };
        if self.frozen {
            Class::Frozen
        } else if is_one_of(&self.append_only) {
            Class::AppendOnly
        } else if is_one_of(&self.immutable) {
            Class::Immutable
        } else {
            Class::Any
        }
    }
}
