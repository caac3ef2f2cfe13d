use std::sync::Arc;
use std::time::Duration;

use ostler_api::audit::{Actor, AuditQuery, AuditState, By};
use ostler_state::{Database, Error, Place};
use ostler_vocabulary::{Clock, Failure, ManualClock, Timestamp};
use serde_json::json;

use super::{KIND, Log};
use crate::everywhere;

fn ada() -> Actor {
    Actor {
        who: "ada".to_owned(),
        by: By::Token,
        address: "10.0.0.7".parse().ok(),
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()))
}

fn open(place: &Place, clock: &Arc<ManualClock>) -> Log {
    Log::open(place, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

#[test]
fn what_was_asked_is_there_before_it_was_done_and_how_it_went_after() {
    everywhere(|place| {
        let clock = clock();
        let log = open(place, &clock);
        let before = json!({"a": 1});
        let asked = |object: &str| log.ask(&ada(), "schedule edit", object, Some(&before)).unwrap();
        let (done, refused, died) = (asked("done"), asked("refused"), asked("died"));
        log.end(done, Ok(Some(&json!({"a": 2})))).unwrap();
        let why = "it was not changed: somebody else was faster";
        log.end(refused, Err(why)).unwrap();

        let changes = open(place, &clock).newest(&AuditQuery::newest(9)).unwrap();
        let states: Vec<_> = changes
            .iter()
            .map(|one| (one.number, one.object.as_str(), one.state))
            .collect();
        assert_eq!(
            states,
            [
                (died, "died", AuditState::Asked),
                (refused, "refused", AuditState::Refused),
                (done, "done", AuditState::Done),
            ]
        );
        assert_eq!(changes[2].by, ada());
        assert_eq!(changes[2].before, Some(before.clone()));
        assert_eq!(changes[2].after, Some(json!({"a": 2})));
        assert_eq!((changes[0].ended, changes[2].ended), (None, Some(changes[2].at)));
        assert_eq!(changes[1].failure.as_deref(), Some(why));
    });
}

#[test]
fn it_is_asked_by_whom_of_what_since_when_and_page_by_page() {
    everywhere(|place| {
        let clock = clock();
        let log = open(place, &clock);
        let bob = Actor {
            who: "bob".to_owned(),
            ..ada()
        };
        log.ask(&ada(), "schedule add", "nightly", None).unwrap();
        clock.advance(Duration::from_secs(60));
        log.ask(&bob, "token remove", "grafana", None).unwrap();
        log.ask(&bob, "backup hold", "8c01", None).unwrap();
        let found = |query: AuditQuery| {
            let changes = log.newest(&query).unwrap();
            changes.iter().map(|one| one.number).collect::<Vec<_>>()
        };
        let all = AuditQuery::newest(9);
        assert_eq!(found(all.clone()), [3, 2, 1]);
        let below = AuditQuery {
            below: Some(3),
            limit: 1,
            ..all.clone()
        };
        assert_eq!(found(below), [2]);
        let who = AuditQuery {
            who: Some("bob".to_owned()),
            ..all.clone()
        };
        assert_eq!(found(who), [3, 2]);
        for what in ["nightly", "schedule"] {
            let what = AuditQuery {
                what: Some(what.to_owned()),
                ..all.clone()
            };
            assert_eq!(found(what), [1]);
        }
        let since = AuditQuery {
            since: Timestamp::from_second(1_800_000_060).ok(),
            ..all
        };
        assert_eq!(found(since), [3, 2]);
    });
}

#[test]
fn it_is_only_added_to_and_shortened_by_its_rule_which_is_written_down() {
    everywhere(|place| {
        let clock = clock();
        let log = open(place, &clock);
        let old = log.ask(&ada(), "schedule add", "old", None).unwrap();
        log.end(old, Ok(None)).unwrap();
        clock.advance(Duration::from_secs(3600));
        let new = log.ask(&ada(), "schedule add", "new", None).unwrap();
        log.end(new, Ok(None)).unwrap();
        let db = Database::open(&KIND, place).unwrap();
        let change = |statement: &str| db.write(|db| -> Result<usize, Error> { db.execute(statement, &[]) });
        for statement in [
            "UPDATE change SET who = 'nobody'",
            "UPDATE ending SET state = 'refused'",
            "DELETE FROM ending",
            "DELETE FROM change",
        ] {
            let refused = Failure::from(change(statement).unwrap_err())
                .messages()
                .join(": ");
            assert!(
                refused.contains("the audit log is only"),
                "{statement}: {refused}"
            );
        }
        assert_eq!(log.shorten(Duration::from_secs(7200)).unwrap(), 0);
        assert_eq!(log.shorten(Duration::from_secs(1800)).unwrap(), 1);
        let left = log.newest(&AuditQuery::newest(9)).unwrap();
        assert_eq!(left.iter().map(|one| one.number).collect::<Vec<_>>(), [new]);
        assert!(change("DELETE FROM change").is_err(), "the rest stays");
        assert!(change("DELETE FROM shortened").is_err());
        assert_eq!(log.ask(&ada(), "schedule add", "next", None).unwrap(), new + 1);
    });
}

#[test]
fn of_what_is_too_long_only_the_size_is_kept() {
    everywhere(|place| {
        let clock = clock();
        let log = open(place, &clock);
        log.ask(&ada(), "a", "b", Some(&json!("x".repeat(70_000))))
            .unwrap();
        let kept = log.newest(&AuditQuery::newest(1)).unwrap();
        assert_eq!(kept[0].before, Some(json!({ "left_out_bytes": 70_002 })));
    });
}
