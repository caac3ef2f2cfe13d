//! The protocol between a coordinator and the agents beside nodes: HTTP over TLS, versioned.
//!
//! Who uses it: `server`, on both sides: `ostler agent` serves, whoever makes or restores a backup of a cluster asks.
//! `drivers` take their certificates from it, for databases that are asked by TLS.
//! The page [agent protocol](../../../docs/design/agent-protocol.md) is normative; samples of each version's messages
//! are in `samples/`.
//!
//! The types to know: [`RemoteNode`] (an [`ostler_api::Node`] behind the wire), [`Service`] (the other end of it, over
//! any [`Host`]) and [`Fence`] (which coordinator still counts).
//!
//! Invariants: nobody is answered who has proven nothing, not even about versions; a request that writes carries the epoch
//! of the cluster's lease, and one lower than an agent has seen is refused; a request lives as long as its
//! connection, and silence on it has a limit; a failure keeps its kind, messages and hint across the wire.
//!
//! What is not here: what an agent may touch (`agent`), where keys and vaults are (`server`).

mod certificate;
mod client;
mod error;
mod fence;
mod message;
mod server;
mod tls;
mod version;

pub use certificate::{Authority, Issued, Purpose};
pub use client::{RemoteNode, Target};
pub use error::Error;
pub use fence::{Fence, Pass};
pub use message::{Ask, Envelope, FailureDocument, Line};
pub use server::{Caller, Host, Service, Tally, serve};
pub use tls::{Identity, acceptor, connector, connector_by_system};
pub use version::{NEWEST, OLDEST, Versions};
