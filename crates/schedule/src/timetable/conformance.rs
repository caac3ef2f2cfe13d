//! The suite that every timetable passes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

mod clocks;
mod owners;

use std::sync::Barrier;

use ostler_api::document::{Cause, FiringState};
use ostler_api::request::{CreateBackup, Request};
use ostler_api::schedule::{Definition, Missed, Overlap, Pause, Trigger};
use ostler_vocabulary::{ErrorKind, OperationId, ProcessIdentity, Timestamp};

use super::{Advance, Run, Seen, Stage, Timetable};
use crate::decision::{Due, Passed, Running};
use crate::error::Error;

/// Checks the contract; `make` gives an empty timetable each time.
///
/// # Panics
/// When the timetable does not keep it.
pub fn check(make: &dyn Fn() -> Box<dyn Timetable>) {
    schedules_come_back_as_they_were_written(make().as_ref());
    nothing_before_a_change_of_the_times_is_due(make().as_ref());
    a_moment_is_decided_on_once(make().as_ref());
    of_many_who_fire_at_once_one_does(make().as_ref());
    clocks::what_a_clock_that_was_ahead_decided_is_taken_back_and_runs_once(make().as_ref());
    owners::only_the_newest_owner_of_a_run_writes(make().as_ref());
    owners::an_owner_that_cannot_be_asked_is_gone_when_it_is_silent(make().as_ref());
    a_run_goes_from_stage_to_stage(make().as_ref());
    what_is_needed_or_runs_is_not_removed(make().as_ref());
    old_runs_are_forgotten(make().as_ref());
    the_last_beat_is_known(make().as_ref());
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn living() -> ProcessIdentity {
    ProcessIdentity::current()
}

fn dead() -> ProcessIdentity {
    ProcessIdentity {
        pid: u32::MAX,
        ..living()
    }
}

/// A definition that backs something up.
#[must_use]
pub fn definition(trigger: Trigger) -> Definition {
    Definition {
        trigger,
        zone: "Europe/Berlin".into(),
        jitter: None,
        missed: Missed::Once,
        overlap: Overlap::Skip,
        deadline: None,
        start: None,
        end: None,
        words: ["backup", "create", "/srv"].map(Into::into).to_vec(),
        request: Request::CreateBackup(CreateBackup::default()),
        keep: None,
        push: None,
    }
}

fn daily() -> Definition {
    definition(Trigger::Cron("@daily".into()))
}

fn due(second: i64) -> Due {
    Due {
        nominal: at(second),
        at: at(second + 1),
        cause: Cause::Due,
        missed: None,
    }
}

fn fire(timetable: &dyn Timetable, seen: &Seen, second: i64) -> Result<Run, Error> {
    timetable
        .fire(
            seen,
            &due(second),
            OperationId::random(),
            &["because".into()],
            &living(),
            at(second + 2),
        )
        .map(|run| run.expect("the moment has not run before"))
}

fn ended(state: FiringState) -> Advance {
    Advance {
        stage: Stage::Over,
        state,
        keep_operation: None,
        reasons: Vec::new(),
        failure: (state == FiringState::Failed).then_some(ErrorKind::Denied),
    }
}

fn seen(timetable: &dyn Timetable) -> Seen {
    timetable.get("nightly").unwrap().seen()
}

fn schedules_come_back_as_they_were_written(timetable: &dyn Timetable) {
    let added = timetable.add("nightly", &daily(), at(0)).unwrap();
    assert_eq!(
        (added.version, added.created, &added.definition),
        (1, at(0), &daily())
    );
    assert!(matches!(
        timetable.add("nightly", &daily(), at(1)),
        Err(Error::Exists(_))
    ));
    let mut other = daily();
    other.zone = "UTC".into();
    assert!(matches!(
        timetable.edit("nightly", Some(7), &other, at(1)),
        Err(Error::Changed {
            found: 1,
            expected: 7,
            ..
        })
    ));
    let edited = timetable.edit("nightly", Some(1), &other, at(1)).unwrap();
    assert_eq!(
        (edited.version, edited.created, &edited.definition),
        (2, at(0), &other)
    );
    let pause = Pause {
        since: at(2),
        reason: Some("holidays".into()),
    };
    let paused = timetable.pause("nightly", Some(&pause), at(2)).unwrap();
    assert_eq!((paused.version, &paused.pause), (3, &Some(pause)));
    assert_eq!(timetable.get("nightly").unwrap().schedule, paused);
    timetable.add("a-first", &daily(), at(3)).unwrap();
    let names: Vec<String> = timetable
        .list()
        .unwrap()
        .into_iter()
        .map(|one| one.schedule.name)
        .collect();
    assert_eq!(names, ["a-first", "nightly"]);
    assert_eq!(timetable.remove("nightly").unwrap(), paused);
    assert!(matches!(timetable.get("nightly"), Err(Error::NotFound(_))));
    assert!(matches!(timetable.remove("nightly"), Err(Error::NotFound(_))));
}

fn nothing_before_a_change_of_the_times_is_due(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    assert_eq!(seen(timetable).decided, at(0));
    let mut pushes = daily();
    pushes.words.push("--quiet".into());
    timetable.edit("nightly", None, &pushes, at(5)).unwrap();
    assert_eq!(seen(timetable).decided, at(0), "the times are the same");
    timetable
        .edit("nightly", None, &definition(Trigger::After("x".into())), at(6))
        .unwrap();
    assert_eq!(seen(timetable).decided, at(6));
    let pause = Pause {
        since: at(7),
        reason: None,
    };
    timetable.pause("nightly", Some(&pause), at(7)).unwrap();
    assert_eq!(seen(timetable).decided, at(6));
    timetable.pause("nightly", None, at(9)).unwrap();
    assert_eq!(seen(timetable).decided, at(9));
    timetable.pause("nightly", None, at(8)).unwrap();
    assert_eq!(seen(timetable).decided, at(9), "it never goes back");
}

fn a_moment_is_decided_on_once(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    let before = seen(timetable);
    let mut first = due(20);
    first.missed = Some(Passed {
        nominal: at(10),
        at: at(11),
        count: 3,
        reason: "nobody was there".into(),
    });
    let operation = OperationId::random();
    let run = timetable
        .fire(&before, &first, operation, &["because".into()], &living(), at(22))
        .unwrap()
        .unwrap();
    assert_eq!(
        (run.stage, run.epoch, run.firing.operation),
        (Stage::Operation, 1, Some(operation))
    );
    assert_eq!(
        (run.firing.due, run.firing.began, run.firing.ended),
        (at(21), at(22), None)
    );
    assert!(matches!(fire(timetable, &before, 20), Err(Error::Decided(_))));
    let now = seen(timetable);
    assert_eq!(now.decided, at(20));
    assert!(matches!(fire(timetable, &now, 30), Err(Error::Running(_))));
    assert!(matches!(
        timetable.fire_now("nightly", OperationId::random(), &living(), at(25)),
        Err(Error::Running(_))
    ));
    let passed = Passed {
        nominal: at(30),
        at: at(31),
        count: 1,
        reason: "it still runs".into(),
    };
    assert!(matches!(
        timetable.pass(&before, &passed, at(32)),
        Err(Error::Decided(_))
    ));
    timetable.pass(&now, &passed, at(32)).unwrap();
    timetable
        .advance(&run.held(), &ended(FiringState::Succeeded), at(40))
        .unwrap();
    let firings = timetable.firings("nightly", 10).unwrap();
    let states: Vec<_> = firings
        .iter()
        .map(|one| (one.state, one.missed, one.due))
        .collect();
    assert_eq!(
        states,
        [
            (FiringState::Missed, 1, at(31)),
            (FiringState::Succeeded, 0, at(21)),
            (FiringState::Missed, 3, at(11)),
        ]
    );
    let entry = timetable.get("nightly").unwrap();
    assert_eq!(
        (entry.running, entry.last_good, entry.decided),
        (None, Some(at(40)), at(30))
    );
    assert_eq!(entry.last.as_ref(), firings.first());
    let manual = timetable
        .fire_now("nightly", OperationId::random(), &living(), at(50))
        .unwrap();
    assert_eq!(
        (manual.firing.cause, seen(timetable).decided),
        (Cause::Manual, at(30))
    );
    let mut changed = seen(timetable);
    changed.version += 1;
    assert!(matches!(
        fire(timetable, &changed, 60),
        Err(Error::Changed { .. })
    ));
}

fn of_many_who_fire_at_once_one_does(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    let before = seen(timetable);
    let start = Barrier::new(8);
    let fired: usize = std::thread::scope(|scope| {
        let each = || {
            start.wait();
            usize::from(fire(timetable, &before, 10).is_ok())
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(each)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((fired, timetable.unfinished().unwrap().len()), (1, 1));
}

fn a_run_goes_from_stage_to_stage(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    let run = fire(timetable, &seen(timetable), 10).unwrap();
    let keep = OperationId::random();
    let kept = Advance {
        stage: Stage::Keep,
        state: FiringState::Succeeded,
        keep_operation: Some(keep),
        reasons: vec!["kept".into()],
        failure: None,
    };
    timetable.advance(&run.held(), &kept, at(20)).unwrap();
    let entry = timetable.get("nightly").unwrap();
    assert_eq!(
        (entry.running, entry.last_good),
        (
            Some(Running {
                due: at(11),
                began: at(12)
            }),
            None
        ),
        "it is not over"
    );
    let push = Advance {
        stage: Stage::Push,
        keep_operation: None,
        reasons: Vec::new(),
        ..kept
    };
    timetable.advance(&run.held(), &push, at(21)).unwrap();
    let found = timetable.unfinished().unwrap();
    assert_eq!(
        (found[0].stage, found[0].firing.keep_operation),
        (Stage::Push, Some(keep))
    );
    timetable
        .advance(&run.held(), &ended(FiringState::Succeeded), at(22))
        .unwrap();
    let over = timetable.run(run.firing.number).unwrap();
    assert_eq!(
        (over.stage, over.owner, over.firing.ended),
        (Stage::Over, None, Some(at(22)))
    );
    assert_eq!(over.firing.reasons, ["because", "kept"]);
}

fn what_is_needed_or_runs_is_not_removed(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    timetable
        .add("drill", &definition(Trigger::After("nightly".into())), at(0))
        .unwrap();
    assert!(matches!(timetable.remove("nightly"), Err(Error::Needed { .. })));
    timetable.remove("drill").unwrap();
    let run = fire(timetable, &seen(timetable), 10).unwrap();
    assert!(matches!(timetable.remove("nightly"), Err(Error::Running(_))));
    timetable
        .advance(&run.held(), &ended(FiringState::Failed), at(11))
        .unwrap();
    timetable.remove("nightly").unwrap();
    assert!(matches!(
        timetable.run(run.firing.number),
        Err(Error::NoFiring(_))
    ));
}

fn old_runs_are_forgotten(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    for second in [10, 20, 30, 40] {
        let run = fire(timetable, &seen(timetable), second).unwrap();
        timetable
            .advance(&run.held(), &ended(FiringState::Succeeded), at(second + 5))
            .unwrap();
    }
    assert_eq!(timetable.forget(at(100), 3).unwrap(), 1);
    assert_eq!(timetable.forget(at(26), 1).unwrap(), 1);
    assert_eq!(timetable.firings("nightly", 10).unwrap().len(), 2);
    fire(timetable, &seen(timetable), 50).unwrap();
    assert_eq!(timetable.forget(at(100), 0).unwrap(), 2, "what runs stays");
}

fn the_last_beat_is_known(timetable: &dyn Timetable) {
    assert_eq!(timetable.last_beat().unwrap(), None);
    timetable.beat(&dead(), at(1)).unwrap();
    timetable.beat(&living(), at(2)).unwrap();
    assert_eq!(timetable.last_beat().unwrap(), Some((living(), at(2))));
}
