//! How errors look.

use ostler::reference::samples;
use ostler_api::document::OperationState;
use ostler_vocabulary::ErrorKind;

use crate::fake::Script;
use crate::run::run;

#[test]
fn every_kind_of_error_has_its_exit_code_and_both_forms() {
    let mut text = String::new();
    for kind in ErrorKind::ALL {
        let script = || Script {
            fails: Some((
                kind,
                vec![
                    "could not open vault `offsite`",
                    "listing s3://b\u{1b}ucket",
                    "connection refused",
                ],
                Some("see `ostler vault info offsite`"),
            )),
            ..Script::default()
        };
        let done = run("backup show latest").script(script()).done();
        assert_eq!(done.code, kind.exit_code().code());
        text.push_str(&format!("{kind}: exit code {}\n{}", done.code, done.stderr));
        let json = run("backup show latest --output json").script(script()).done();
        assert_eq!((json.code, json.stdout.as_str()), (done.code, ""));
        text.push_str(&json.stderr);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_failed_operation_says_why_what_it_left_and_what_to_do() {
    let mut text = String::new();
    for state in [
        OperationState::Failed,
        OperationState::Cancelled,
        OperationState::Cancelling,
        OperationState::Interrupted,
        OperationState::Partial,
        OperationState::Running,
    ] {
        let mut ends = samples::operation("create_backup", state);
        if state == OperationState::Failed {
            ends.summary.reasons = vec!["could not upload /data".into(), "no space left on device".into()];
            ends.advice = Some("free some space, then `ostler operation resume 8c015501`".into());
            ends.failure = Some(ErrorKind::Unavailable);
        }
        let script = Script {
            ends: Some(ends),
            ..Script::default()
        };
        let done = run("backup create /tmp --quiet").script(script).done();
        text.push_str(&format!(
            "{}: exit code {}\n{}\n",
            state.as_str(),
            done.code,
            done.stderr
        ));
    }
    insta::assert_snapshot!(text);
}
