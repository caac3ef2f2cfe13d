//! The queue on real servers.

mod conformance;
mod insert_events;
mod model;
mod place;
mod ticker;
mod ticker_world;
mod trigger_cases;
mod trigger_changes;
mod trigger_oracle;
mod trigger_rights;
