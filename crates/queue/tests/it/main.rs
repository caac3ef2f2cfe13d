//! The queue on real servers.

#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test too")]

mod conformance;
mod deliver_sql;
mod exactly_once;
mod failover;
mod insert_events;
mod least_rights;
mod model;
mod outside;
mod place;
mod pooler;
mod sql_failures;
mod sql_install;
mod sql_interface;
mod sql_positions;
mod sql_restore;
mod sql_rotation;
mod sql_takeover;
mod sql_target;
mod sql_ticks;
mod sql_world;
mod survival;
mod ticker;
mod ticker_waits;
mod ticker_world;
mod trigger_cases;
mod trigger_changes;
mod trigger_oracle;
mod trigger_rights;
mod trigger_values;
