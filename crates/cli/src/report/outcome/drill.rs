//! `backup drill`

use std::time::Duration;

use ostler_api::document::{BackupState, DrillAnswer, DrillReport, DrillVerdict, StartedDatabase};
use ostler_vocabulary::{ErrorKind, Timestamp};

use super::Wrong;
use crate::output::{Page, count, duration, plural};
use crate::report::backup::{proof_text, tone};
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &DrillReport, now: Timestamp) {
    page.toned(
        &format!("backup {} is ", report.backup.short()),
        report.state.as_str(),
        tone(report.state),
        "",
    );
    page.field(
        "restored",
        format!("in {}", duration(Duration::from_millis(report.restore_ms))),
    );
    page.field(
        "compared",
        format!("{} with the backup", plural(report.compared, "file")),
    );
    page.field(
        "live",
        format!(
            "{} also compared with the source, {} changed since or right before",
            count(report.compared_live),
            count(report.changed_live)
        ),
    );
    if let Some(check) = &report.check {
        page.field(
            "check",
            match check.exit_code {
                Some(code) => format!("`{}` ended with {code}", check.command),
                None => format!("`{}` was ended by a signal", check.command),
            },
        );
        for line in check.output.lines() {
            page.line(format!("    {line}"));
        }
    }
    if let Some(started) = &report.started {
        print_started(page, started);
    }
    page.field("proof", proof_text(&report.proof, now));
    problems(page, &report.proof.problems, report.proof.problems.len() as u64);
}

fn print_started(page: &mut Page, started: &StartedDatabase) {
    page.field(
        "started",
        format!(
            "{}, in {}",
            plural(started.nodes.into(), "node"),
            duration(Duration::from_millis(started.start_ms))
        ),
    );
    for answer in &started.answers {
        page.line(format!("    {}: {}", answer.question, said(answer)));
    }
    for what in &started.left_out {
        page.line(format!("    not looked at: {what}"));
    }
}

fn said(answer: &DrillAnswer) -> String {
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let (before, after) = (told(&answer.before), told(&answer.after));
    let found = &answer.found;
    match answer.verdict {
        DrillVerdict::Same => format!("{found}, as recorded"),
        DrillVerdict::Between => format!("{found}, and it went from {before} to {after}"),
        DrillVerdict::Moved => format!("{found}, which proves nothing: it went from {before} to {after}"),
        DrillVerdict::Wrong => format!("{found} instead of {after}"),
        DrillVerdict::Unrecorded => format!("{found}; nothing was recorded"),
    }
}

pub(super) fn wrong(report: &DrillReport) -> Option<Wrong<'_>> {
    if report.proof.ok {
        return None;
    }
    let id = report.backup.short();
    let by_check = report
        .check
        .as_ref()
        .is_some_and(|check| check.exit_code != Some(0));
    let (kind, message, hint) = if report.state != BackupState::Damaged && by_check {
        (
            ErrorKind::Internal,
            format!("the check command says that what backup {id} restores is not right"),
            "its last output is in the report: `ostler backup show` keeps it",
        )
    } else {
        (
            ErrorKind::Corrupt,
            format!("backup {id} does not restore to what was backed up"),
            "make a new backup now; `ostler vault check --read-data` tells how far the damage goes",
        )
    };
    Some(Wrong {
        kind,
        message,
        hint: hint.to_owned(),
        problems: &report.proof.problems,
    })
}
