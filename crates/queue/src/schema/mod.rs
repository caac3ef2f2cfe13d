//! PgQ's schema: what it is made of, and how it comes into a database and out of it.
//!
//! [`inspect`] looks without changing anything; [`plan_install`] and [`plan_uninstall`] are pure and say what would be done,
//! and why; [`apply`] does it in one transaction. [`script`] is the whole for `psql`. All are safe to repeat.

mod apply;
mod embedded;
mod error;
mod installed;
mod plan;
mod script;
mod takeover;

pub use apply::{Applied, apply};
pub use error::Error;
pub use installed::{Extension, Installed, Schema, Signature, inspect};
pub use plan::{Basis, Plan, Step, Wish, plan_install, plan_uninstall};
pub use script::script;
