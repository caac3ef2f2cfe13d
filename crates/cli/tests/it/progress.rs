//! Progress on standard error.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ostler::Terminal;
use ostler::reference::samples;
use ostler_vocabulary::{Clock, Timestamp};

use crate::run::run;

/// A clock on which five seconds pass between any two looks at it.
#[derive(Debug, Default)]
struct Hasty(AtomicU64);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        samples::now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.fetch_add(5, Ordering::Relaxed))
    }
}

#[test]
fn plain_progress_is_a_line_with_share_rate_and_time_left() {
    let done = run("backup create /tmp --progress plain --quiet")
        .clock(Arc::new(Hasty::default()))
        .done();
    insta::assert_snapshot!(done.stderr, @r"
    upload laptop: 0 B of 4.0 GiB (0 %)
    note: waiting for another writer
    upload laptop: 1.0 GiB of 4.0 GiB (25 %), 204.8 MiB/s, about 16 s left
    ");
}

#[test]
fn plain_progress_within_two_seconds_is_no_line() {
    let done = run("backup create /tmp --progress plain --quiet").done();
    assert_eq!(done.stderr, "note: waiting for another writer\n");
}

#[test]
fn json_progress_is_a_document_a_line() {
    let done = run("backup create /tmp --progress json --quiet")
        .clock(Arc::new(Hasty::default()))
        .done();
    for line in done.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["schema"], "ostler/event/1");
    }
    insta::assert_snapshot!(done.stderr);
}

#[test]
fn without_a_terminal_only_messages_are_said_and_none_to_programs() {
    assert_eq!(
        run("backup create /tmp").done().stderr,
        "note: waiting for another writer\n"
    );
    for silent in ["--progress none", "--quiet", "--output json"] {
        assert_eq!(
            run(&format!("backup create /tmp {silent}")).done().stderr,
            "",
            "{silent}"
        );
    }
    let terminal = Terminal {
        error_is_terminal: true,
        ..Terminal::default()
    };
    assert_eq!(
        run("backup create /tmp --quiet").terminal(terminal).done().stderr,
        ""
    );
}

#[test]
fn a_bar_lets_messages_through_and_leaves_nothing_behind() {
    // What it draws goes to a terminal only; that it is drawn and taken away again must not touch the rest.
    let done = run("backup create /tmp --progress bar --quiet")
        .clock(Arc::new(Hasty::default()))
        .done();
    assert_eq!(done.stderr, "note: waiting for another writer\n");
    assert_eq!((done.stdout.as_str(), done.code), ("", 0));
}
