//! Events into other queues and into tables: what `ostler queue move`, `split`, `load` and `redirect` do.
//!
//! [`Dispatch`] is a [`TransactionHandler`](super::TransactionHandler): rules say where an event goes, and what it does
//! there stands in the target together with the position.

mod apply;
mod columns;
mod fold;
mod partition;
mod route;
mod statement;
mod table;
mod truncate;

pub use apply::{Dispatch, DispatchError, TableOptions};
pub use columns::Columns;
pub use fold::{Fold, Folded, NoKey};
pub use partition::{NoTime, Part, Period, TimeOf};
pub use route::{Destination, RouteError, Rule, Rules};
pub use statement::{Kind, NoColumn, Shape, Statement};
pub use table::{Partitioning, RowMode};
