//! Consumers that run in the foreground of a command.

mod consume;
mod http;

pub use consume::{Consume, Receiver, Watch, Work, consume};
pub use ostler_queue::consumer::deliver::{OnFailure, Per};
pub use ostler_queue::consumer::dispatch::{
    Columns, Partitioning, Period, RouteError, RowMode, Rule, TableOptions, TimeOf,
};
pub use ostler_queue::consumer::{Member, Notice, SubscriptionOptions, Totals};
