//! Who comes in, and who does not: the same over files and over a database.

use std::sync::Arc;
use std::time::Duration;

use ostler_api::request::{CreateBackup, CreateWork, Work};
use ostler_api::{Plan, Request};
use ostler_state::Place;
use ostler_vocabulary::{Clock, ManualClock, OperationId, Secret, Timestamp};

use super::{Access, Begun, Rights, Role, Scope};
use crate::{Error, everywhere};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The record, and another server's look at it.
fn open(place: &Place) -> (Access, Access, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
    let access = || Access::open(place, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    (access(), access(), clock)
}

fn of_shop(role: Role) -> Rights {
    Rights {
        role,
        scope: Scope::of(["shop".to_owned()]),
    }
}

#[test]
fn a_link_lets_the_first_admin_in_once_and_within_the_hour() {
    everywhere(|place| {
        let (access, other, clock) = open(place);
        let old = access.first_link().unwrap().expect("nobody came in yet");
        let link = other.first_link().unwrap().expect("nobody came in yet");
        assert_eq!(access.enter(old.reveal()).unwrap(), None, "a newer link was made");
        clock.advance(2 * HOUR);
        assert_eq!(access.enter(link.reveal()).unwrap(), None, "it is too late");
        let link = access.first_link().unwrap().expect("nobody came in yet");
        let session = access.enter(link.reveal()).unwrap().expect("it is new");
        assert_eq!(other.enter(link.reveal()).unwrap(), None, "it was used");
        let identity = other.by_session(session.reveal()).unwrap().unwrap();
        assert_eq!((identity.name.as_str(), identity.role), ("admin", Role::Admin));
        assert_eq!(
            access.by_token(session.reveal()).unwrap(),
            None,
            "a session is no token"
        );
        assert_eq!(other.first_link().unwrap(), None, "somebody came in");
        other.end_session(session.reveal()).unwrap();
        assert_eq!(access.by_session(session.reveal()).unwrap(), None);
    });
}

#[test]
fn a_token_works_on_every_server_until_it_is_removed_and_its_sessions_with_it() {
    everywhere(|place| {
        let (access, other, clock) = open(place);
        let token = access.add_token("board", of_shop(Role::Viewer)).unwrap();
        let again = other.add_token("board", Role::Admin);
        assert!(matches!(again, Err(Error::TokenExists { .. })), "{again:?}");
        let identity = other.by_token(token.reveal()).unwrap().unwrap();
        assert_eq!(
            (identity.role, &identity.scope),
            (Role::Viewer, &of_shop(Role::Viewer).scope)
        );
        assert_eq!(other.by_token("ostler_another").unwrap(), None);
        let session = access.new_session(&identity).unwrap();
        assert_eq!(access.tokens().unwrap(), other.tokens().unwrap());
        clock.advance(8 * 24 * HOUR);
        assert_eq!(
            access.by_session(session.reveal()).unwrap(),
            None,
            "a week is over"
        );
        let session = access.new_session(&identity).unwrap();
        other.remove_token("board").unwrap();
        assert_eq!(access.by_token(token.reveal()).unwrap(), None);
        assert_eq!(access.by_session(session.reveal()).unwrap(), None);
        let again = access.remove_token("board");
        assert!(matches!(again, Err(Error::NoToken { .. })), "{again:?}");
    });
}

#[test]
fn a_user_comes_in_by_their_password_alone_and_elsewhere_by_the_same() {
    everywhere(|place| {
        let (access, other, _) = open(place);
        let (password, wrong) = (Secret::new("correct horse battery"), Secret::new("staple"));
        access
            .add_user("ada", of_shop(Role::Operator), &password)
            .unwrap();
        let again = other.add_user("ada", Role::Viewer, &password);
        assert!(matches!(again, Err(Error::UserExists { .. })), "{again:?}");
        assert_eq!(other.sign_in("ada", &wrong).unwrap(), None);
        assert_eq!(other.sign_in("eve", &password).unwrap(), None);
        let session = other.sign_in("ada", &password).unwrap().expect("it is theirs");
        assert_eq!(access.by_session(session.reveal()).unwrap().unwrap().name, "ada");
        assert_eq!(access.first_link().unwrap(), None, "somebody can come in");

        // Who moves to another server signs in there as before.
        let elsewhere = tempfile::tempdir().unwrap();
        let (moved, _, _) = open(&Place::from(elsewhere.path()));
        for user in access.taken_users().unwrap() {
            moved.take_user(&user).unwrap();
        }
        assert!(moved.sign_in("ada", &password).unwrap().is_some());
        assert_eq!(moved.taken_users().unwrap(), access.taken_users().unwrap());

        let changed = Secret::new("another horse entirely");
        access.change_password("ada", &changed).unwrap();
        assert_eq!(other.by_session(session.reveal()).unwrap(), None);
        assert_eq!(other.sign_in("ada", &password).unwrap(), None);
        let session = other.sign_in("ada", &changed).unwrap().expect("it is theirs");
        access.remove_user("ada").unwrap();
        assert_eq!(other.by_session(session.reveal()).unwrap(), None);
        let again = other.remove_user("ada");
        assert!(matches!(again, Err(Error::NoUser { .. })), "{again:?}");
    });
}

#[test]
fn a_request_with_a_key_is_carried_out_once_whichever_server_it_comes_to() {
    everywhere(|place| {
        let (access, other, clock) = open(place);
        let begin =
            |access: &Access, owner: &str, request: &[u8]| access.begin(owner, "key", request).unwrap();
        assert_eq!(begin(&access, "token a", b"request"), Begun::New);
        assert_eq!(begin(&other, "token a", b"request"), Begun::Pending);
        assert_eq!(begin(&other, "token a", b"another"), Begun::Other);
        assert_eq!(
            begin(&other, "user a", b"request"),
            Begun::New,
            "somebody else's key"
        );
        other.conclude("user a", "key", None).unwrap();
        assert_eq!(begin(&access, "user a", b"request"), Begun::New, "it had failed");
        let operation = OperationId::random();
        access.conclude("token a", "key", Some(operation)).unwrap();
        assert_eq!(begin(&other, "token a", b"request"), Begun::Done(operation));
        clock.advance(25 * HOUR);
        assert_eq!(begin(&other, "token a", b"request"), Begun::New, "a day is over");
    });
}

#[test]
fn a_plan_is_found_by_the_beginning_of_its_digest_for_a_day() {
    everywhere(|place| {
        let (access, other, clock) = open(place);
        let plan = |digest: &str| Plan {
            request: Request::CreateBackup(CreateBackup::default()),
            made: clock.now(),
            vault: "main".to_owned(),
            subject: "/srv".to_owned(),
            backups: Vec::new(),
            work: Work::CreateBackup(CreateWork::default()),
            digest: digest.to_owned(),
        };
        for digest in ["ab01", "ab02", "cd03", "cd03"] {
            access.keep_plan("token a", &plan(digest)).unwrap();
        }
        let ours = |digest: &str| other.plan("token a", digest).unwrap();
        assert_eq!(ours("cd"), Some(plan("cd03")));
        assert_eq!(ours("ab"), None, "two begin so");
        assert_eq!(ours("ab02"), Some(plan("ab02")));
        assert_eq!(ours("c%"), None);
        assert_eq!(other.plan("user a", "cd03").unwrap(), None, "another's plan");
        access.keep_plan("user a", &plan("cd03")).unwrap();
        access.add_token("a", Role::Operator).unwrap();
        access.remove_token("a").unwrap();
        assert_eq!(ours("cd03"), None, "who made it is gone");
        let theirs = |access: &Access| access.plan("user a", "cd03").unwrap();
        assert_eq!(theirs(&other), Some(plan("cd03")));
        clock.advance(25 * HOUR);
        assert_eq!(theirs(&access), None, "a day is over");
    });
}
