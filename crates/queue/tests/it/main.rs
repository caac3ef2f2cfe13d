//! The queue on real servers.

mod conformance;
mod exactly_once;
mod model;
mod outside;
mod place;
mod survival;
mod ticker;
mod ticker_world;
mod sql_beyond;
mod sql_install;
mod sql_interface;
mod sql_target;
