//! What can go wrong on the wire.

use std::path::PathBuf;

use ostler_vocabulary::{Classified, ErrorKind};

use crate::Versions;

/// What can go wrong between a coordinator and an agent. What happened on the node itself comes as it was told there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The agent cannot be reached, or the connection was lost.
    #[error("cannot reach the agent of node `{node}` at {address}")]
    Unreachable {
        /// The node.
        node: String,
        /// Where it should be.
        address: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The other side has not proven who it is, or does not believe us.
    #[error("the agent of node `{node}` at {address} and this machine do not trust each other")]
    Untrusted {
        /// The node.
        node: String,
        /// Where it is.
        address: String,
        /// What TLS says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The agent said nothing for too long.
    #[error("the agent of node `{node}` was silent for {seconds} s")]
    Silent {
        /// The node.
        node: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The answer makes no sense.
    #[error("the agent of node `{node}` answered what this version does not understand: {reason}")]
    Answer {
        /// The node.
        node: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No version of the protocol is common to both.
    #[error(
        "the agent of node `{node}` (Ostler {}) speaks versions {} to {} of the protocol, and this program (Ostler {}) {} to {}",
        theirs.program, theirs.oldest, theirs.newest, ours.program, ours.oldest, ours.newest
    )]
    Versions {
        /// The node.
        node: String,
        /// What it speaks.
        theirs: Versions,
        /// What we speak.
        ours: Versions,
    },
    /// The agent's version of the protocol has no such request.
    #[error(
        "the agent of node `{node}` (Ostler {program}) is too old for this: it takes version {needed} of the protocol"
    )]
    TooOld {
        /// The node.
        node: String,
        /// What runs there.
        program: String,
        /// The version that has the request.
        needed: u32,
    },
    /// Certificates or keys cannot be used.
    #[error("cannot use {what}: {reason}")]
    Credentials {
        /// Which.
        what: String,
        /// Why not.
        reason: String,
    },
    /// The epochs that were seen cannot be kept.
    #[error("cannot keep which coordinator was seen last in {}", path.display())]
    Fence {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another coordinator is newer.
    #[error("another coordinator works on cluster `{cluster}` (epoch {seen}, this one has {epoch})")]
    Superseded {
        /// The cluster.
        cluster: String,
        /// The highest epoch that was seen.
        seen: u64,
        /// The epoch of the request.
        epoch: u64,
    },
    /// A request that writes came without the lease of a cluster.
    #[error("a request that writes needs the lease of its cluster")]
    NoLease,
    /// It was cancelled here.
    #[error("it was cancelled")]
    Cancelled,
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::Silent { .. } => ErrorKind::Timeout,
            Self::Untrusted { .. } => ErrorKind::Denied,
            Self::Answer { .. } | Self::Versions { .. } | Self::TooOld { .. } => ErrorKind::Unsupported,
            Self::Credentials { .. } | Self::NoLease => ErrorKind::Invalid,
            Self::Fence { .. } => ErrorKind::Internal,
            Self::Superseded { .. } => ErrorKind::Conflict,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } => {
                Some("`ostler cluster status` asks every node; `ostler agent` has to run there".to_owned())
            }
            Self::Untrusted { .. } => Some(
                "both need certificates of the same `ostler cluster init`, and the agent the one of its own node"
                    .to_owned(),
            ),
            Self::Versions { theirs, ours, .. } => Some(match theirs.oldest > ours.newest {
                true => "upgrade Ostler here".to_owned(),
                false => "upgrade Ostler on that node".to_owned(),
            }),
            Self::TooOld { .. } => Some("upgrade Ostler on that node".to_owned()),
            _ => None,
        }
    }
}

/// What a failed request means: somebody who is not believed, or a connection that is not there.
pub(crate) fn lost(node: &str, address: &str, error: reqwest::Error) -> Error {
    // The address is in our own message.
    let source = error.without_url();
    let (node, address) = (node.to_owned(), address.to_owned());
    match is_distrust(&source) {
        true => Error::Untrusted {
            node,
            address,
            source: source.into(),
        },
        false => Error::Unreachable {
            node,
            address,
            source: source.into(),
        },
    }
}

/// Whether a connection ended before anything of the request went out.
pub(crate) fn was_not_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|cause| {
        cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled)
    })
}

/// Whether TLS itself failed: trying again will not help.
fn is_distrust(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error does not name what is inside of it as its source.
        let inside = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inside.is_some_and(|inside| is_distrust(inside)) {
            return true;
        }
        cause = error.source();
    }
    false
}
