//! Of a run, one owner writes.

use std::time::Duration;

use ostler_api::document::FiringState;
use ostler_vocabulary::{ErrorKind, OperationId, ProcessIdentity};

use super::{at, daily, dead, due, ended, living, seen};
use crate::error::Error;
use crate::timetable::Timetable;

const SILENCE: Duration = Duration::from_secs(60);

pub(super) fn only_the_newest_owner_of_a_run_writes(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    let first = timetable
        .fire(
            &seen(timetable),
            &due(10),
            OperationId::random(),
            &[],
            &dead(),
            at(12),
        )
        .unwrap()
        .unwrap();
    let adopt =
        |owner: &ProcessIdentity, second| timetable.adopt(first.firing.number, owner, SILENCE, at(second));
    let second = adopt(&living(), 12).unwrap();
    assert_eq!((second.epoch, &second.firing), (2, &first.firing));
    assert!(matches!(adopt(&dead(), 12), Err(Error::OwnedBy { .. })));
    for refused in [
        timetable.advance(&first.held(), &ended(FiringState::Failed), at(13)),
        timetable.release(&first.held()),
    ] {
        assert!(matches!(refused, Err(Error::Superseded(_))), "{refused:?}");
    }
    timetable.release(&second.held()).unwrap();
    assert!(matches!(
        timetable.release(&second.held()),
        Err(Error::Superseded(_))
    ));
    let third = adopt(&living(), 13).unwrap();
    timetable
        .advance(&third.held(), &ended(FiringState::Failed), at(14))
        .unwrap();
    let failed = timetable.run(first.firing.number).unwrap().firing;
    assert_eq!(failed.failure, Some(ErrorKind::Denied));
    for refused in [
        timetable.advance(&third.held(), &ended(FiringState::Succeeded), at(15)),
        adopt(&living(), 15).map(drop),
        timetable.hear(&third.held(), at(15)),
    ] {
        assert!(matches!(refused, Err(Error::Superseded(_))), "{refused:?}");
    }
    assert!(matches!(timetable.run(9999), Err(Error::NoFiring(9999))));
}

pub(super) fn an_owner_that_cannot_be_asked_is_gone_when_it_is_silent(timetable: &dyn Timetable) {
    timetable.add("nightly", &daily(), at(0)).unwrap();
    let elsewhere = ProcessIdentity {
        host: "elsewhere".into(),
        ..living()
    };
    let operation = OperationId::random();
    let first = timetable
        .fire(&seen(timetable), &due(10), operation, &[], &elsewhere, at(10))
        .unwrap()
        .unwrap();
    let adopt = |second| timetable.adopt(first.firing.number, &living(), SILENCE, at(second));
    assert!(matches!(adopt(70), Err(Error::OwnedBy { .. })));
    timetable.hear(&first.held(), at(40)).unwrap();
    assert!(matches!(adopt(100), Err(Error::OwnedBy { .. })));
    let second = adopt(101).unwrap();
    assert_eq!(second.epoch, 2);
    // It wakes up, and is told.
    for refused in [
        timetable.hear(&first.held(), at(102)),
        timetable.advance(&first.held(), &ended(FiringState::Succeeded), at(102)),
    ] {
        assert!(matches!(refused, Err(Error::Superseded(_))), "{refused:?}");
    }
}
