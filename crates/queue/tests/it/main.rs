//! The queue on real servers.

mod conformance;
mod model;
mod place;
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
