//! For crash tests only: the process kills itself at a step named by the environment.
//!
//! `OSTLER_TEST_KILL=before:<step>[:n]` sends SIGKILL to this process when it is about to run that step for the n-th
//! time (default 1), after recording that it begins; `after:<step>[:n]` just after its result is recorded. The undo
//! of a step counts as a step named `undo <step>`. Names that begin with `OSTLER_TEST_` are reserved for tests; a
//! value that cannot be read does nothing.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// When, relative to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// About to be run; that it begins is recorded.
    Before,
    /// Its result was just recorded.
    After,
}

#[derive(Debug, PartialEq, Eq)]
struct Order {
    moment: Moment,
    step: String,
    time: u64,
}

/// Kills the process if the environment says so.
pub fn point(moment: Moment, step: &str) {
    static ORDER: OnceLock<Option<Order>> = OnceLock::new();
    static PASSED: OnceLock<Mutex<HashMap<(Moment, String), u64>>> = OnceLock::new();
    let order = ORDER.get_or_init(|| std::env::var("OSTLER_TEST_KILL").ok().as_deref().and_then(parse));
    let Some(order) = order
        .as_ref()
        .filter(|order| order.moment == moment && order.step == step)
    else {
        return;
    };
    let mut passed = PASSED
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let times = passed.entry((moment, step.to_owned())).or_insert(0);
    *times += 1;
    if *times == order.time {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

fn parse(text: &str) -> Option<Order> {
    let (moment, rest) = text.split_once(':')?;
    let moment = match moment {
        "before" => Moment::Before,
        "after" => Moment::After,
        _ => return None,
    };
    let (step, time) = match rest.rsplit_once(':').map(|(step, time)| (step, time.parse())) {
        Some((step, Ok(time))) => (step, time),
        _ => (rest, 1),
    };
    (!step.is_empty()).then(|| Order {
        moment,
        step: step.to_owned(),
        time,
    })
}

#[cfg(test)]
mod tests {
    use super::{Moment, Order, parse};

    #[test]
    fn orders_are_read_with_and_without_a_count() {
        let order = |moment, step: &str, time| {
            Some(Order {
                moment,
                step: step.to_owned(),
                time,
            })
        };
        assert_eq!(parse("before:upload"), order(Moment::Before, "upload", 1));
        assert_eq!(
            parse("after:write manifest:3"),
            order(Moment::After, "write manifest", 3)
        );
        assert_eq!(parse("after:undo upload"), order(Moment::After, "undo upload", 1));
        for nonsense in ["", "upload", "during:upload", "before:"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }
}
