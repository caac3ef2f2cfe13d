//! The queue on real servers.

mod conformance;
mod model;
mod place;
