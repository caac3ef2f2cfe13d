//! The queue on real servers.

mod conformance;
mod model;
mod place;
mod sql_beyond;
mod sql_install;
mod sql_interface;
mod sql_target;
