//! The queue on real servers.

mod conformance;
mod exactly_once;
mod model;
mod outside;
mod place;
mod survival;
mod ticker;
mod ticker_world;
