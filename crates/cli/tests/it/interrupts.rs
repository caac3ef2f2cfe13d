//! Ctrl-C.

use ostler::Interrupt;

use crate::fake::Script;
use crate::run::run;

fn cancels() -> Script {
    // `empty` makes the fake end at the first cancel.
    Script {
        runs_for_ever: true,
        empty: true,
        ..Script::default()
    }
}

fn goes_on_until_left() -> Script {
    Script {
        runs_for_ever: true,
        ..Script::default()
    }
}

#[test]
fn the_first_ctrl_c_cancels_and_says_so() {
    let done = run("backup create /tmp")
        .script(cancels())
        .interrupted(&[Interrupt::Keyboard])
        .done();
    assert!(
        done.asked.contains(&"cancel, leave: false".to_owned()),
        "{:?}",
        done.asked
    );
    insta::assert_snapshot!(done.to_string());
}

#[test]
fn the_second_ctrl_c_leaves_it_resumable() {
    let twice = [Interrupt::Keyboard, Interrupt::Keyboard];
    let done = run("backup create /tmp")
        .script(goes_on_until_left())
        .interrupted(&twice)
        .done();
    assert!(
        done.asked.contains(&"cancel, leave: true".to_owned()),
        "{:?}",
        done.asked
    );
    insta::assert_snapshot!(done.to_string());
}

#[test]
fn a_service_that_is_stopped_leaves_its_operation_resumable() {
    let done = run("backup create /tmp")
        .script(goes_on_until_left())
        .interrupted(&[Interrupt::Terminate])
        .done();
    assert!(
        done.asked.contains(&"cancel, leave: true".to_owned()),
        "{:?}",
        done.asked
    );
    assert_eq!(done.code, 130);
}

#[test]
fn ctrl_c_ends_the_watching_and_not_the_operation() {
    let done = run("operation watch 8c01")
        .script(goes_on_until_left())
        .interrupted(&[Interrupt::Keyboard])
        .done();
    assert!(
        !done.asked.iter().any(|asked| asked.starts_with("cancel")),
        "{:?}",
        done.asked
    );
    insta::assert_snapshot!(done.to_string());
}
