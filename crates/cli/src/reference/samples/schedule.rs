//! Schedules and their runs.

use ostler_api::document::*;
use ostler_api::request::{CreateBackup, Keep, Prune, Request};
use ostler_api::schedule::{Definition, Missed, Overlap, Push, Schedule, Trigger};

use super::{at, now, operation_id};

fn definition(trigger: Trigger, words: &str) -> Definition {
    Definition {
        trigger,
        zone: "Europe/Berlin".into(),
        jitter: None,
        missed: Missed::Once,
        overlap: Overlap::Skip,
        deadline: None,
        start: None,
        end: None,
        words: words.split(' ').map(Into::into).collect(),
        request: Request::CreateBackup(CreateBackup {
            vault: Some("main".into()),
            paths: vec!["/srv".into()],
            ..CreateBackup::default()
        }),
        keep: None,
        push: None,
    }
}

fn schedule(name: &str, definition: Definition) -> Schedule {
    Schedule {
        name: name.into(),
        version: 1,
        created: at(864_000),
        pause: None,
        definition,
    }
}

fn nightly() -> Schedule {
    let mut definition = definition(
        Trigger::Cron("30 2 * * *".into()),
        "backup create /srv --vault main",
    );
    definition.jitter = "10m".parse().ok();
    definition.keep = Some(Prune {
        keep: Keep {
            daily: Some(14),
            ..Keep::default()
        },
        ..Prune::default()
    });
    definition.push = Some(Push::Env("PING_URL".into()));
    schedule("nightly", definition)
}

/// One run of a schedule.
#[must_use]
pub fn firing() -> Firing {
    Firing {
        number: 17,
        schedule: "nightly".into(),
        cause: Cause::Due,
        due: at(26_628),
        state: FiringState::Succeeded,
        began: at(26_628),
        ended: Some(at(26_538)),
        operation: Some(operation_id(1)),
        keep_operation: Some(operation_id(2)),
        missed: 0,
        reasons: vec!["due at 2026-11-21T02:36:12Z".into()],
        failure: None,
    }
}

fn summary() -> ScheduleSummary {
    ScheduleSummary {
        schedule: nightly(),
        next: now().checked_add(jiff_day()).ok(),
        reasons: vec!["not yet due".into()],
        overdue: None,
        last: Some(firing()),
        last_good: Some(at(26_538)),
    }
}

fn jiff_day() -> std::time::Duration {
    std::time::Duration::from_secs(80_000)
}

/// `schedule list`
#[must_use]
pub fn schedule_list() -> ScheduleList {
    let drill = ScheduleSummary {
        schedule: schedule(
            "drill",
            definition(
                Trigger::After("nightly".into()),
                "backup drill latest --vault main",
            ),
        ),
        next: None,
        reasons: vec!["waits for a good run of `nightly`".into()],
        overdue: None,
        last: None,
        last_good: None,
    };
    ScheduleList {
        scheduler: SchedulerStanding {
            last_beat: Some(now()),
            process: Some("db1 (process 4711)".into()),
            alive: true,
        },
        schedules: vec![drill, summary()],
    }
}

/// `schedule show`
#[must_use]
pub fn schedule_detail() -> ScheduleDetail {
    ScheduleDetail {
        upcoming: summary().next.into_iter().collect(),
        summary: summary(),
        firings: vec![firing()],
    }
}

/// `schedule add` and others that change one
#[must_use]
pub fn schedule_change(action: &str) -> ScheduleChange {
    ScheduleChange {
        action: action.into(),
        schedule: nightly(),
        next: (action != "removed").then(|| summary().next).flatten(),
        notes: Vec::new(),
    }
}

/// `schedule preview`
#[must_use]
pub fn schedule_preview() -> SchedulePreview {
    SchedulePreview {
        schedule: "nightly".into(),
        zone: "Europe/Berlin".into(),
        runs: vec![Upcoming {
            at: now(),
            local: "Sun 2026-03-29 03:06:12 +02:00".into(),
            note: Some("the clocks leave out 02:30; it runs right after".into()),
        }],
        reasons: Vec::new(),
    }
}
