//! The queue on real servers.

mod conformance;
mod model;
mod place;
mod ticker;
mod ticker_world;
