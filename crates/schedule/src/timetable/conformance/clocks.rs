//! What a clock that was wrong leaves behind.

use ostler_api::document::FiringState;
use ostler_vocabulary::OperationId;

use super::{at, daily, due, ended, fire, living, seen};
use crate::decision::Passed;
use crate::error::Error;
use crate::timetable::Timetable;

pub(super) fn what_a_clock_that_was_ahead_decided_is_taken_back_and_runs_once(timetable: &dyn Timetable) {
    let passed = |second: i64, count| Passed {
        nominal: at(second),
        at: at(second + 1),
        count,
        reason: "nobody began it".into(),
    };
    timetable.add("nightly", &daily(), at(0)).unwrap();
    let run = fire(timetable, &seen(timetable), 7200).unwrap();
    timetable
        .advance(&run.held(), &ended(FiringState::Succeeded), at(7210))
        .unwrap();
    let early = seen(timetable);
    timetable.rewind(&early, at(7180)).unwrap();
    assert_eq!(seen(timetable).decided, at(7200), "clocks differ by a little");
    timetable.rewind(&early, at(20)).unwrap();
    assert_eq!(seen(timetable).decided, at(20));
    assert!(matches!(timetable.rewind(&early, at(10)), Err(Error::Decided(_))));
    // What is due meanwhile runs; what ran is neither missed nor run again.
    let run = fire(timetable, &seen(timetable), 30).unwrap();
    timetable
        .advance(&run.held(), &ended(FiringState::Succeeded), at(40))
        .unwrap();
    let mut again = due(7200);
    again.missed = Some(passed(7200, 3));
    let operation = OperationId::random();
    let none = timetable.fire(&seen(timetable), &again, operation, &[], &living(), at(7201));
    assert!(none.unwrap().is_none());
    assert_eq!(seen(timetable).decided, at(7200));
    timetable.rewind(&seen(timetable), at(7000)).unwrap();
    timetable
        .pass(&seen(timetable), &passed(7200, 1), at(7300))
        .unwrap();
    timetable
        .pass(&seen(timetable), &passed(7400, 2), at(7500))
        .unwrap();
    let missed = timetable.firings("nightly", 10).unwrap();
    let missed: Vec<_> = missed.iter().map(|one| (one.due, one.missed)).collect();
    let expected = [(7401, 2), (7201, 3), (31, 0), (7201, 0)];
    assert_eq!(missed, expected.map(|(second, count)| (at(second), count)));
    // A change brings back what is ahead as well.
    timetable.pause("nightly", None, at(50)).unwrap();
    assert_eq!(seen(timetable).decided, at(50));
}
