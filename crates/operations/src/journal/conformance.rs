//! The suite that every journal passes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

mod changes;
mod lists;

use std::time::Duration;

use ostler_vocabulary::{ErrorKind, OperationId, ProcessIdentity, ProgressValue, Timestamp, Unit};
use serde_json::json;

use super::{Ending, ITEM_PLACES, Journal, NewOperation, Ownership, Requests, StepAt, StepEnd};
use crate::error::Error;
use crate::record::{AuditRecord, MessageRecord, OperationRecord, State};
use crate::testing::dead_process;

const SILENCE: Duration = Duration::from_secs(60);

/// Checks the contract; `make` gives an empty journal each time.
///
/// # Panics
/// When the journal does not keep it.
pub fn check(make: &dyn Fn() -> Box<dyn Journal>) {
    an_id_is_given_once(make().as_ref());
    records_come_back_as_they_were_written(make().as_ref());
    only_the_newest_owner_writes(make().as_ref());
    a_living_owner_is_not_robbed(make().as_ref());
    what_was_undone_runs_again(make().as_ref());
    an_undone_step_of_an_item_voids_no_other_item(make().as_ref());
    a_cancel_and_a_commit_meet_in_the_journal(make().as_ref());
    lists::history_is_pruned_by_age_and_number(make().as_ref());
    lists::a_list_goes_on_where_a_page_ended_though_its_end_is_gone(make().as_ref());
    changes::every_change_of_state_has_its_line(make().as_ref());
    leases_have_one_holder_and_rising_epochs(make().as_ref());
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn living() -> ProcessIdentity {
    ProcessIdentity::current()
}

fn create(journal: &dyn Journal, owner: &ProcessIdentity, second: i64) -> Ownership {
    let new = NewOperation {
        id: OperationId::random(),
        kind: "kind".into(),
        version: 3,
        subject: "subject".into(),
        plan: json!({"z": 1, "a": [null, "ü"]}),
    };
    journal.create(&new, owner, at(second)).unwrap()
}

fn an_id_is_given_once(journal: &dyn Journal) {
    let by = create(journal, &living(), 0);
    let again = NewOperation {
        id: by.id,
        kind: "other".into(),
        version: 1,
        subject: "other".into(),
        plan: json!(null),
    };
    let refused = journal.create(&again, &dead_process(7), at(1)).unwrap_err();
    assert!(matches!(refused, Error::Exists(id) if id == by.id), "{refused}");
    assert_eq!(journal.get(by.id).unwrap().kind, "kind");
}

fn step(position: u64, name: &str, key: &str) -> StepAt {
    StepAt {
        position,
        name: name.into(),
        key: key.into(),
    }
}

fn done(result: serde_json::Value) -> StepEnd {
    StepEnd::Done {
        result,
        commits: false,
    }
}

fn ending(state: State) -> Ending {
    Ending {
        state,
        outcome: Some(json!({"bytes": 7})),
        reasons: vec!["because".into()],
        hint: Some("do this".into()),
        failure: Some(ErrorKind::Denied),
    }
}

fn superseded<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Superseded { .. })), "{answer:?}");
}

fn records_come_back_as_they_were_written(journal: &dyn Journal) {
    let by = create(journal, &living(), 0);
    let read = ProgressValue {
        done: 5,
        total: 9,
        unit: Unit::Bytes,
        items: 1,
    };
    let (one, two) = (step(0, "one", ""), step(1, "many", "b"));
    assert_eq!(journal.begin_step(&by, &one, true, at(1)).unwrap(), 1);
    let failed = StepEnd::Failed {
        reasons: vec!["x".into()],
    };
    journal.end_step(&by, &one, &failed, None, at(2)).unwrap();
    assert_eq!(journal.begin_step(&by, &one, true, at(3)).unwrap(), 2);
    for _ in 0..2 {
        journal
            .end_step(&by, &one, &done(json!(null)), Some(read), at(4))
            .unwrap();
    }
    journal.begin_step(&by, &two, false, at(5)).unwrap();
    journal
        .begin_step(&by, &step(1, "many", "a"), false, at(5))
        .unwrap();
    assert_eq!(
        journal.look(&by, &[(two, read)], Some(40), at(6)).unwrap(),
        Requests::default()
    );
    let entry = AuditRecord {
        at: at(7),
        action: "delete".into(),
        item: "it".into(),
        bytes: 3,
        reason: "rule".into(),
    };
    for _ in 0..2 {
        journal.audit(&by, &entry).unwrap();
    }
    let said = ["first", "second"].map(|text| MessageRecord {
        at: at(7),
        text: text.into(),
    });
    journal.say(&by, &said[..1]).unwrap();
    journal.say(&by, &said).unwrap();
    let running = journal.get(by.id).unwrap();
    assert_eq!(
        (running.state, running.heartbeat, running.ended),
        (State::Running, at(6), None)
    );
    assert_eq!(running.owner, Some(living()));
    journal.end(&by, &ending(State::Failed), 2, at(8)).unwrap();

    let record = journal.get(by.id).unwrap();
    assert_eq!(record.plan.to_string(), r#"{"z":1,"a":[null,"ü"]}"#);
    assert_eq!(
        (record.kind.as_str(), record.version, record.epoch),
        ("kind", 3, 1)
    );
    assert_eq!((record.state, record.owner.as_ref()), (State::Failed, None));
    assert_eq!((record.started, record.ended), (at(0), Some(at(8))));
    assert_eq!((record.worked_ms, record.bytes), (42, 10));
    assert_eq!(record.failure, Some(ErrorKind::Denied));
    assert_eq!(
        (record.reasons, record.hint),
        (vec!["because".into()], Some("do this".into()))
    );
    assert_eq!(record.audit, [entry]);
    assert_eq!(record.messages, said);
    let labels: Vec<_> = record.steps.iter().map(|step| step.label()).collect();
    assert_eq!(labels, ["one", "many a", "many b"]);
    let first = &record.steps[0];
    assert_eq!(
        (first.state.as_str(), first.attempts, first.undoable),
        ("done", 2, true)
    );
    assert_eq!((&first.result, first.progress), (&Some(json!(null)), Some(read)));
    assert_eq!(
        (first.started, first.ended, first.reasons.len()),
        (at(3), Some(at(4)), 0)
    );

    let text = by.id.to_string();
    assert_eq!(journal.find(&text[..5], 9).unwrap(), [by.id]);
    assert!(journal.find("%", 9).unwrap().is_empty());
    assert!(matches!(
        journal.get(OperationId::random()),
        Err(Error::NotFound(_))
    ));
    let later = create(journal, &living(), 0);
    let listed = journal.list(9, None).unwrap();
    let ids: Vec<_> = listed.iter().map(|record| record.id).collect();
    assert_eq!(ids, [later.id, by.id]);
    let without_parts = OperationRecord {
        steps: Vec::new(),
        audit: Vec::new(),
        messages: Vec::new(),
        ..journal.get(by.id).unwrap()
    };
    assert_eq!(listed[1], without_parts);
}

fn only_the_newest_owner_writes(journal: &dyn Journal) {
    let old = create(journal, &dead_process(1), 0);
    let new = journal.claim(old.id, &dead_process(1), SILENCE, at(1)).unwrap();
    assert_eq!(new.epoch, 2);
    let one = step(0, "one", "");
    superseded(journal.begin_step(&old, &one, false, at(2)));
    journal.begin_step(&new, &one, false, at(2)).unwrap();
    superseded(journal.end_step(&old, &one, &done(json!(1)), None, at(3)));
    superseded(journal.look(&old, &[], None, at(3)));
    superseded(journal.look(&old, &[], Some(1), at(3)));
    superseded(journal.end(&old, &ending(State::Succeeded), 0, at(3)));
    superseded(journal.release(&old, 0, at(3)));
    let entry = AuditRecord {
        at: at(3),
        action: "delete".into(),
        item: "it".into(),
        bytes: 3,
        reason: "rule".into(),
    };
    superseded(journal.audit(&old, &entry));
    superseded(journal.say(&old, &[]));
    assert_eq!(journal.get(old.id).unwrap().steps[0].state, "running");
    journal.end(&new, &ending(State::Succeeded), 0, at(4)).unwrap();
    superseded(journal.begin_step(&new, &one, false, at(5)));
}

fn a_living_owner_is_not_robbed(journal: &dyn Journal) {
    let by = create(journal, &living(), 0);
    let refused = journal
        .claim(by.id, &dead_process(2), SILENCE, at(60))
        .unwrap_err();
    assert!(
        matches!(&refused, Error::OwnedBy { owner, .. } if *owner == living()),
        "{refused:?}"
    );
    // Silent for too long, or released.
    let second = journal.claim(by.id, &living(), SILENCE, at(61)).unwrap();
    journal.release(&second, 0, at(61)).unwrap();
    let third = journal.claim(by.id, &living(), SILENCE, at(61)).unwrap();
    assert_eq!(third.epoch, 3);
    journal.request(by.id, true).unwrap();
    let asked = journal.look(&third, &[], None, at(62)).unwrap();
    assert_eq!(
        asked,
        Requests {
            cancel: false,
            leave: true
        }
    );
    journal.end(&third, &ending(State::Partial), 0, at(62)).unwrap();
    assert!(matches!(
        journal.claim(by.id, &living(), SILENCE, at(999)),
        Err(Error::Over { .. })
    ));
    assert!(matches!(journal.request(by.id, true), Err(Error::Over { .. })));
}

fn what_was_undone_runs_again(journal: &dyn Journal) {
    let by = create(journal, &living(), 0);
    for (position, name) in ["kept", "undone", "after"].into_iter().enumerate() {
        let at_step = step(position as u64, name, "");
        journal
            .begin_step(&by, &at_step, name == "undone", at(1))
            .unwrap();
        journal
            .end_step(&by, &at_step, &done(json!(name)), None, at(1))
            .unwrap();
    }
    journal
        .end_step(&by, &step(1, "undone", ""), &StepEnd::Undone, None, at(2))
        .unwrap();
    journal.end(&by, &ending(State::Failed), 0, at(2)).unwrap();
    let by = journal.claim(by.id, &living(), SILENCE, at(3)).unwrap();
    let record = journal.get(by.id).unwrap();
    let states: Vec<_> = record.steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(states, ["done", "undone", "undone"]);
    assert_eq!(
        (record.state, record.failure, record.reasons.len()),
        (State::Running, None, 0)
    );
    // The new run may go another way from there.
    journal
        .begin_step(&by, &step(1, "other", ""), false, at(4))
        .unwrap();
    assert_eq!(journal.get(by.id).unwrap().steps[1].name, "other");
}

fn an_undone_step_of_an_item_voids_no_other_item(journal: &dyn Journal) {
    let by = create(journal, &living(), 0);
    let places = [0, ITEM_PLACES, ITEM_PLACES + 1, ITEM_PLACES + 2, 2 * ITEM_PLACES];
    for position in places {
        let at_step = step(position, "work", &position.to_string());
        journal.begin_step(&by, &at_step, true, at(1)).unwrap();
        journal
            .end_step(&by, &at_step, &done(json!(position)), None, at(1))
            .unwrap();
    }
    let states = |id| -> Vec<String> {
        let record = journal.get(id).unwrap();
        record.steps.into_iter().map(|step| step.state).collect()
    };
    let second = step(places[2], "work", &places[2].to_string());
    journal
        .end_step(&by, &second, &StepEnd::Undone, None, at(2))
        .unwrap();
    journal.end(&by, &ending(State::Failed), 0, at(2)).unwrap();
    assert!(matches!(journal.request(by.id, false), Err(Error::Over { .. })));
    let by = journal.claim(by.id, &living(), SILENCE, at(3)).unwrap();
    assert_eq!(states(by.id), ["done", "done", "undone", "undone", "done"]);
    let first = step(places[1], "work", &places[1].to_string());
    let failed = StepEnd::UndoFailed {
        reasons: vec!["stuck".into()],
    };
    journal.end_step(&by, &first, &failed, None, at(4)).unwrap();
    journal.end(&by, &ending(State::Failed), 0, at(4)).unwrap();
    assert!(matches!(journal.request(by.id, true), Err(Error::Over { .. })));
    journal.request(by.id, false).unwrap();
    assert_eq!(journal.get(by.id).unwrap().state, State::Cancelling);
    let by = journal.claim(by.id, &living(), SILENCE, at(5)).unwrap();
    assert_eq!(states(by.id)[1], "undo_failed");
    journal
        .end_step(&by, &first, &StepEnd::Rewound, None, at(6))
        .unwrap();
    assert_eq!(states(by.id), ["done", "undone", "undone", "undone", "done"]);
    assert_eq!(
        journal.get(by.id).unwrap().steps[1].result,
        Some(json!(places[1]))
    );
}

fn a_cancel_and_a_commit_meet_in_the_journal(journal: &dyn Journal) {
    let commit = step(0, "commit", "");
    let commits = StepEnd::Done {
        result: json!(null),
        commits: true,
    };
    let by = create(journal, &living(), 0);
    journal.begin_step(&by, &commit, false, at(1)).unwrap();
    journal.request(by.id, false).unwrap();
    let late = journal.end_step(&by, &commit, &commits, None, at(1));
    assert!(matches!(late, Err(Error::Cancelled { .. })), "{late:?}");
    let record = journal.get(by.id).unwrap();
    assert_eq!((record.state, record.committed), (State::Cancelling, false));
    assert_eq!(record.steps[0].state, "running");
    // It stays asked for when another takes it over.
    journal.release(&by, 0, at(2)).unwrap();
    let by = journal.claim(by.id, &living(), SILENCE, at(2)).unwrap();
    assert_eq!(journal.get(by.id).unwrap().state, State::Cancelling);
    assert!(journal.look(&by, &[], None, at(2)).unwrap().cancel);

    let by = create(journal, &living(), 0);
    journal.begin_step(&by, &commit, false, at(1)).unwrap();
    journal.end_step(&by, &commit, &commits, None, at(1)).unwrap();
    assert!(journal.get(by.id).unwrap().committed);
    assert!(matches!(
        journal.request(by.id, false),
        Err(Error::Committed { .. })
    ));
    journal.request(by.id, true).unwrap();
}

fn leases_have_one_holder_and_rising_epochs(journal: &dyn Journal) {
    let first = journal.acquire("l", "first", &living(), SILENCE, at(0)).unwrap();
    let held = journal
        .acquire("l", "second", &dead_process(1), SILENCE, at(1))
        .unwrap_err();
    assert!(
        matches!(&held, Error::LeaseHeld { purpose, .. } if purpose == "first"),
        "{held:?}"
    );
    assert_eq!(
        journal
            .acquire("other", "x", &living(), SILENCE, at(1))
            .unwrap()
            .epoch,
        1
    );
    journal.confirm(&first, at(50)).unwrap();
    assert!(
        journal
            .acquire("l", "second", &living(), SILENCE, at(110))
            .is_err()
    );
    let second = journal
        .acquire("l", "second", &dead_process(1), SILENCE, at(111))
        .unwrap();
    assert!(matches!(
        journal.confirm(&first, at(111)),
        Err(Error::LeaseLost { .. })
    ));
    assert!(matches!(journal.surrender(&first), Err(Error::LeaseLost { .. })));
    // The second holder is dead, so it is replaced at once.
    let third = journal
        .acquire("l", "third", &living(), SILENCE, at(112))
        .unwrap();
    journal.surrender(&third).unwrap();
    let fourth = journal
        .acquire("l", "fourth", &living(), SILENCE, at(113))
        .unwrap();
    assert_eq!([second.epoch, third.epoch, fourth.epoch], [2, 3, 4]);
}
