//! Metrics: what is known of vaults, operations, schedules, queues and webhooks, as numbers.
//!
//! Everything comes from what is recorded. `observation` is what a look at a vault or database saw; `record` keeps it with
//! the totals of operations on disk; `totals` is what an operation that ended adds to them; `families` makes numbers of all
//! of it. Who looks: `runtime/metrics`, in the role `metrics` of `ostler serve`.

pub(crate) mod families;
pub(crate) mod observation;
pub(crate) mod record;
pub(crate) mod totals;
