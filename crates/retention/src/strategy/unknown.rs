//! A strategy that this release does not know, of a policy that another program made: nothing goes.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::Policy;
use ostler_vocabulary::ErrorKind;

use super::{Decision, Fault, Question, problem};
use crate::column::TimeColumn;
use crate::facts::Table;

/// Its reason, for a policy as for a run.
const REASON: &str = "its strategy is not known to this release";

pub(super) fn valid(_: &Policy) -> Result<(), Fault> {
    Err(Fault {
        reason: REASON,
        cure: Some(
            "run it by the program that made it, or `ostler retention add --replace` with another strategy",
        ),
    })
}

pub(super) fn decide(_: &Question<'_>, _: &Table, _: TimeColumn) -> Result<Decision, RetentionProblem> {
    Err(problem(ErrorKind::Unsupported, REASON))
}
