//! Webhooks: somebody is told of changes by HTTP, signed, until they say that they know.
//!
//! `outbox` is what is to be told, on disk; `message` what is said; `signature` how it is signed; `pace` when it is said
//! again. Who fills and empties the outbox: `runtime/webhook`, in the role `webhooks` of `ostler serve`.

pub(crate) mod message;
pub(crate) mod outbox;
pub(crate) mod pace;
pub(crate) mod signature;
