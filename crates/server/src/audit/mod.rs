//! Who changed what: a client that writes down every change that is asked of it, before it is made and after.
//!
//! `log` is the record, `client` the decorator, `calls` says which calls change something, `secrets` what is never written
//! down. What a schedule begins by itself is in the journal, not here: nobody asked.

mod caller;
mod calls;
mod client;
mod log;
mod secrets;

pub use caller::caller;
pub use client::Audited;
pub use log::Log;
pub(crate) use secrets::without_password;
