//! What backups there are: intents, commit records, and notes (facts, proofs, marks).
//!
//! A backup exists when its commit record does. Everything a listing shows is in the names of notes, so that it
//! costs listing requests only. Notes that are foreign, unreadable or not authentic are passed over with a
//! warning: they can add nothing and change nothing.

mod claim;
mod facts;
mod note;
mod part;
mod paths;
mod reading;
mod record;
mod removal;
mod store_time;
mod writing;

pub(crate) use claim::AtRecord;
pub(crate) use note::{backup_of, intent_key, record_key, record_of, resealed_key};
pub use part::{Folders, PartRead};
pub(crate) use reading::LOST;
pub use record::{
    CatalogueEntry, ClusterRecord, Counts, ExternalRecord, Facts, Intent, MarkAction, MarkRecord, NodePlace,
    NodeRecord, Origin, ProofFacts, ProofRecord, Record,
};

/// Where intents are.
pub(crate) const INTENTS: &str = "intents/";
/// Where commit records are.
pub(crate) const BACKUPS: &str = "backups/";
/// Where notes are.
pub(crate) const NOTES: &str = "notes/";
