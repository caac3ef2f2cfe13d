use ostler_api::schedule::Push;
use ostler_api::webhook::{HookDefinition, HookEvent, HookFormat, SigningSecret};
use ostler_state::Place;
use ostler_vocabulary::{OperationId, Timestamp};

use super::{NewMessage, Outbox, Receiver, Settled};
use crate::everywhere;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn definition() -> HookDefinition {
    HookDefinition {
        address: Push::Url("https://example.org/hook".to_owned()),
        on: vec![HookEvent::Failed],
        format: HookFormat::Full,
    }
}

fn message(to: &str, key: &str) -> NewMessage {
    NewMessage {
        to: Receiver::Webhook(to.to_owned()),
        key: key.to_owned(),
        event: HookEvent::Failed,
        subject: "subject".to_owned(),
        body: "{}".to_owned(),
    }
}

fn outbox(place: &Place, names: &[&str]) -> Outbox {
    let outbox = Outbox::open(place).unwrap();
    for name in names {
        let secret = SigningSecret::new("whsec_x");
        assert!(outbox.add(name, &definition(), &secret, 7, at(0)).unwrap());
        assert!(!outbox.add(name, &definition(), &secret, 9, at(0)).unwrap());
    }
    outbox
}

fn keys(claimed: &[super::Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.id.as_str()).collect()
}

#[test]
fn what_was_added_twice_is_told_once_and_survives_another_opening() {
    everywhere(|place| {
        let first = outbox(place, &["one"]);
        assert_eq!(first.cursor(100).unwrap(), 7, "from when the first one was added");
        let messages = [message("one", "a")];
        first.fill(&messages, &[], Some(12), at(1)).unwrap();
        first.fill(&messages, &[], Some(11), at(1)).unwrap();
        drop(first);
        let again = Outbox::open(place).unwrap();
        assert_eq!(again.cursor(100).unwrap(), 12);
        assert_eq!(keys(&again.claim(&[], 9, at(1)).unwrap()), ["msg_a"]);
        assert_eq!(again.deliveries("one", 9).unwrap().len(), 1);
    });
}

#[test]
fn one_message_of_each_receiver_is_sent_at_once_and_those_of_the_dead_are_sent_again() {
    everywhere(|place| {
        let outbox = outbox(place, &["one", "two"]);
        let messages = [message("one", "a"), message("one", "b"), message("two", "c")];
        outbox.fill(&messages, &[], None, at(1)).unwrap();
        assert_eq!(keys(&outbox.claim(&[], 9, at(1)).unwrap()), ["msg_a", "msg_c"]);
        let busy = [Receiver::Webhook("one".to_owned())];
        assert!(outbox.claim(&busy, 9, at(2)).unwrap().is_empty());
        // Whoever claimed them says nothing: they are due again.
        let again = outbox.claim(&busy, 9, at(70)).unwrap();
        assert_eq!((keys(&again), again[0].attempts), (vec!["msg_c"], 2));
    });
}

#[test]
fn what_failed_waits_what_was_taken_goes_and_what_was_given_up_is_seen() {
    everywhere(|place| {
        let outbox = outbox(place, &["one"]);
        let messages = [message("one", "a"), message("one", "b"), message("one", "c")];
        outbox.fill(&messages, &[], None, at(1)).unwrap();
        let settle = |delivered: Option<i64>, next: Option<i64>, failure: Option<&str>| {
            let claimed = outbox.claim(&[], 1, at(1)).unwrap();
            let settled = Settled {
                delivered: delivered.map(at),
                next: next.map(at),
                failure: failure.map(str::to_owned),
            };
            outbox.settle(claimed[0].number, &settled).unwrap();
        };
        settle(Some(1), None, None);
        settle(None, Some(50), Some("no answer"));
        settle(None, None, Some("gone"));
        assert!(outbox.claim(&[], 9, at(49)).unwrap().is_empty());
        let known = outbox.counts().unwrap();
        let counts = &known["one"];
        assert_eq!((counts.pending, counts.delivered, counts.given_up), (1, 1, 1));
        assert_eq!(counts.oldest, Some(at(1)));
        let told = outbox.deliveries("one", 9).unwrap();
        assert_eq!(told[0].failure.as_deref(), Some("gone"));
        assert_eq!(outbox.forget(at(2)).unwrap(), 2);
        assert_eq!(keys(&outbox.claim(&[], 9, at(50)).unwrap()), ["msg_b"]);
    });
}

#[test]
fn the_address_of_a_result_lives_until_its_message_is_there() {
    everywhere(|place| {
        let outbox = outbox(place, &[]);
        let operation = OperationId::random();
        outbox
            .add_callback(operation, "https://example.org/r", 3, at(0))
            .unwrap();
        assert_eq!(outbox.cursor(9).unwrap(), 3);
        let url = outbox.callback(operation).unwrap().unwrap();
        let result = NewMessage {
            to: Receiver::Url(url.clone()),
            ..message("", "result")
        };
        outbox.fill(&[result], &[operation], Some(4), at(1)).unwrap();
        assert_eq!(outbox.callback(operation).unwrap(), None);
        let claimed = outbox.claim(&[], 9, at(1)).unwrap();
        assert_eq!(claimed[0].to, Receiver::Url(url));
    });
}

#[test]
fn a_webhook_that_is_removed_takes_its_messages_along() {
    everywhere(|place| {
        let outbox = outbox(place, &["one"]);
        outbox.fill(&[message("one", "a")], &[], None, at(1)).unwrap();
        assert!(outbox.remove("one").unwrap());
        assert!(!outbox.remove("one").unwrap());
        assert!(outbox.claim(&[], 9, at(1)).unwrap().is_empty());
        assert!(outbox.webhooks().unwrap().is_empty());
    });
}
