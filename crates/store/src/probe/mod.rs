//! What a store can do, found out by trying, with the evidence.
//!
//! A service may take a request and ignore what makes it safe: some answer `200` to a condition they do not know, some
//! check it and then let several writers win. Nothing but trying tells. [`probe`] works below a prefix of its own and
//! takes away what it made; [`Capabilities::decide`] says what follows, and changes nothing.

mod decide;
mod trials;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, Store};

pub use decide::{Decision, Verdict};

/// What a store may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ability {
    /// What was created can be read at once, as it was.
    ReadsBack,
    /// A second object of the same name is refused, and the first stays.
    RefusesOverwrite,
    /// Of many who create one name at the same time exactly one is told that it did.
    OneWinner,
    /// Parts of objects are exactly what was asked for.
    Ranges,
    /// Listings show at once what was created.
    ListsAtOnce,
    /// Listings are in the order of names, and go on behind any name.
    ListsInOrder,
    /// What was deleted is gone, from listings too, and its name can be used again.
    Deletes,
    /// An upload that does not fit its checksum is refused.
    Checksums,
    /// Earlier versions of objects are kept.
    Versions,
    /// Versions can be locked against deletion.
    Locks,
}

impl Ability {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 10] = [
        Self::ReadsBack,
        Self::RefusesOverwrite,
        Self::OneWinner,
        Self::Ranges,
        Self::ListsAtOnce,
        Self::ListsInOrder,
        Self::Deletes,
        Self::Checksums,
        Self::Versions,
        Self::Locks,
    ];
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ReadsBack => "reads back at once",
            Self::RefusesOverwrite => "refuses to overwrite",
            Self::OneWinner => "one winner of a race",
            Self::Ranges => "exact ranges",
            Self::ListsAtOnce => "lists at once",
            Self::ListsInOrder => "lists in order",
            Self::Deletes => "deletes",
            Self::Checksums => "checks uploads",
            Self::Versions => "keeps versions",
            Self::Locks => "locks versions",
        })
    }
}

/// Whether it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was tried and worked.
    Yes,
    /// It was tried and did not.
    No,
    /// It could not be tried, or there is nothing to try.
    Unknown,
}

/// What was found out about one ability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was tried.
    pub ability: Ability,
    /// Whether the store can do it.
    pub answer: Answer,
    /// What was seen, in one sentence without a full stop.
    pub evidence: String,
}

impl Finding {
    fn new(ability: Ability, answer: Answer, evidence: impl Into<String>) -> Self {
        Self {
            ability,
            answer,
            evidence: evidence.into(),
        }
    }
}

/// What a store can do. Each ability is there at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities {
    /// What was found, in the order in which it was tried.
    pub findings: Vec<Finding>,
}

impl Capabilities {
    /// Whether the store can do this; unknown when it was not tried.
    #[must_use]
    pub fn answer(&self, ability: Ability) -> Answer {
        self.finding(ability)
            .map_or(Answer::Unknown, |finding| finding.answer)
    }

    /// What was found out about this.
    #[must_use]
    pub fn finding(&self, ability: Ability) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.ability == ability)
    }
}

/// Finds out what a store can do, below `prefix` (parts of a key, no `/` at its end), where nothing must be. Costs some
/// sixty requests. What it made is deleted, also when it fails; where that is not allowed, a few hundred bytes stay.
///
/// # Errors
/// When the store cannot be asked at all: it is out of reach, or refuses to create objects. What a store does
/// wrong is no error but a finding.
pub async fn probe(store: &Arc<dyn Store>, prefix: &str) -> Result<Capabilities, Error> {
    let place = trials::Place::new(store, prefix);
    let found = place.all().await;
    place.tidy().await;
    found.map(|findings| Capabilities { findings })
}
