//! Schedules, their runs, and whether somebody runs them.

use ostler_api::document::{
    Firing, FiringList, FiringState, ScheduleChange, ScheduleDetail, ScheduleList, SchedulePreview,
    ScheduleSummary, SchedulerStanding,
};
use ostler_api::schedule::{Push, Schedule, ScheduleAnswer, Trigger};
use ostler_vocabulary::{ErrorKind, Failure, Span, Timestamp};

use super::backup::when;
use crate::output::{Column, Page, Table, Tone, ago, command_line, moment, plural, schema};
use crate::session::Session;

/// Prints whatever came back; of runs, the error that the worst of them is.
pub(crate) fn answer(session: &Session, answer: &ScheduleAnswer) -> Result<(), Failure> {
    let (output, now) = (&session.output, session.now());
    match answer {
        ScheduleAnswer::List(it) => output.document(schema::SCHEDULE_LIST, it, |page| list(page, it, now)),
        ScheduleAnswer::Detail(it) => output.document(schema::SCHEDULE, it, |page| detail(page, it, now)),
        ScheduleAnswer::Changed(it) => output.document(schema::SCHEDULE_CHANGE, it, |page| changed(page, it)),
        ScheduleAnswer::Preview(it) => {
            output.document(schema::SCHEDULE_PREVIEW, it, |page| preview(page, it))
        }
        ScheduleAnswer::Firing(it) => {
            output.document(schema::SCHEDULE_RUN, it, |page| firing(page, it))?;
            failure_of(std::slice::from_ref(it)).map_or(Ok(()), Err)
        }
        ScheduleAnswer::Firings(it) => {
            output.document(schema::SCHEDULE_RUNS, it, |page| firings(page, it))?;
            failure_of(&it.firings).map_or(Ok(()), Err)
        }
    }
}

fn list(page: &mut Page, list: &ScheduleList, now: Timestamp) {
    if list.schedules.is_empty() {
        page.line("no schedules; `ostler schedule add` makes one");
        return;
    }
    scheduler(page, &list.scheduler, now);
    let mut table = Table::new([
        Column::flexible("SCHEDULE"),
        Column::flexible("WHEN"),
        Column::flexible("NEXT"),
        Column::left("LAST"),
        Column::right("GOOD"),
        Column::left("COMMAND"),
    ]);
    for one in &list.schedules {
        let (next, tone) = next(one);
        let (last, last_tone) = one.last.as_ref().map_or(("–".to_owned(), Tone::Plain), |last| {
            (last.state.as_str().to_owned(), state_tone(last.state))
        });
        table.row([
            (one.schedule.name.clone(), Tone::Plain),
            (times(&one.schedule), Tone::Plain),
            (next, tone),
            (last, last_tone),
            (
                one.last_good.map_or("never".to_owned(), |good| ago(now, good)),
                Tone::Plain,
            ),
            (command(&one.schedule), Tone::Plain),
        ]);
    }
    page.table(&table);
}

fn scheduler(page: &mut Page, standing: &SchedulerStanding, now: Timestamp) {
    let process = standing.process.as_deref().unwrap_or_default();
    match (standing.alive, standing.last_beat) {
        (true, Some(beat)) => page.toned(
            "scheduler: ",
            "running",
            Tone::Good,
            &format!(", {process}, last beat {}", ago(now, beat)),
        ),
        (_, Some(beat)) => page.toned(
            "scheduler: ",
            "not running",
            Tone::Bad,
            &format!(", last beat {} by {process}", ago(now, beat)),
        ),
        (_, None) => page.toned("scheduler: ", "not running", Tone::Bad, ", it never was"),
    }
}

fn next(one: &ScheduleSummary) -> (String, Tone) {
    match (one.overdue, one.next) {
        (Some(since), _) => (format!("overdue since {}", moment(since)), Tone::Bad),
        (None, Some(next)) => (moment(next), Tone::Plain),
        (None, None) => (
            one.reasons.first().cloned().unwrap_or_else(|| "–".to_owned()),
            Tone::Faint,
        ),
    }
}

fn state_tone(state: FiringState) -> Tone {
    match state {
        FiringState::Succeeded => Tone::Good,
        FiringState::Running => Tone::Plain,
        FiringState::Failed => Tone::Bad,
        FiringState::Partial | FiringState::Cancelled | FiringState::Missed => Tone::Doubtful,
    }
}

fn times(schedule: &Schedule) -> String {
    match &schedule.definition.trigger {
        Trigger::Cron(text) => match schedule.definition.zone.as_str() {
            "UTC" => text.clone(),
            zone => format!("{text} {zone}"),
        },
        Trigger::Every(every) => format!("every {every}"),
        Trigger::After(parent) => format!("after {parent}"),
    }
}

fn command(schedule: &Schedule) -> String {
    let words: Vec<_> = schedule.definition.words.iter().map(Into::into).collect();
    let line = command_line(&words);
    line.strip_prefix("ostler ").unwrap_or(&line).to_owned()
}

fn detail(page: &mut Page, detail: &ScheduleDetail, now: Timestamp) {
    let summary = &detail.summary;
    let (schedule, definition) = (&summary.schedule, &summary.schedule.definition);
    page.line(format!("schedule {}", schedule.name));
    page.field("runs", command(schedule));
    page.field("when", times(schedule));
    if let Some(jitter) = definition.jitter {
        page.field("jitter", format!("up to {jitter}"));
    }
    page.field("missed", word(&definition.missed));
    page.field("overlap", word(&definition.overlap));
    if let Some(deadline) = definition.deadline {
        page.field("deadline", format!("begins {deadline} late at most"));
    }
    if let Some(start) = definition.start {
        page.field("start", moment(start));
    }
    if let Some(end) = definition.end {
        page.field("end", moment(end));
    }
    if definition.keep.is_some() {
        page.field("keep", "rules are applied after each complete backup");
    }
    match &definition.push {
        // The URL itself may be all that somebody needs to say that all is well.
        Some(Push::Url(_)) => page.field("push", "good runs are told at a URL"),
        Some(Push::Env(name)) => page.field("push", format!("good runs are told at the URL in ${name}")),
        Some(Push::File(path)) => page.field(
            "push",
            format!("good runs are told at the URL in {}", path.display()),
        ),
        None => {}
    }
    let (text, _) = next(summary);
    page.field("next", text);
    page.fields("then", detail.upcoming.iter().skip(1).map(|at| moment(*at)));
    page.field("version", schedule.version.to_string());
    page.field(
        "last good",
        summary
            .last_good
            .map_or("never".to_owned(), |good| when(good, now)),
    );
    for one in &detail.firings {
        firing(page, one);
    }
}

/// The word of a rule, as it is typed.
fn word<T: serde::Serialize>(rule: &T) -> String {
    serde_json::to_value(rule)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn firing(page: &mut Page, firing: &Firing) {
    let what = match firing.missed {
        0 | 1 => format!(
            "run {} of {}, due {}: ",
            firing.number,
            firing.schedule,
            moment(firing.due)
        ),
        missed => format!(
            "{} of {}, the last due {}: ",
            plural(missed, "run"),
            firing.schedule,
            moment(firing.due)
        ),
    };
    let operation = firing.operation.map_or(String::new(), |operation| {
        format!(" (operation {})", operation.short())
    });
    page.toned(&what, firing.state.as_str(), state_tone(firing.state), &operation);
    for reason in &firing.reasons {
        page.line(format!("  {reason}"));
    }
}

fn firings(page: &mut Page, list: &FiringList) {
    if list.firings.is_empty() {
        page.line("nothing was due");
    }
    for one in &list.firings {
        firing(page, one);
    }
}

fn changed(page: &mut Page, change: &ScheduleChange) {
    let next = change.next.map_or(String::new(), |next| {
        format!("; it runs next at {}", moment(next))
    });
    page.line(format!(
        "schedule {}: {}{next}",
        change.schedule.name, change.action
    ));
    for note in &change.notes {
        page.field("note", note);
    }
}

fn preview(page: &mut Page, preview: &SchedulePreview) {
    page.line(format!(
        "schedule {}, on the clocks of {}",
        preview.schedule, preview.zone
    ));
    for run in &preview.runs {
        let note = run
            .note
            .as_ref()
            .map_or(String::new(), |note| format!("  {note}"));
        page.line(format!("  {}{note}", run.local));
    }
    for reason in &preview.reasons {
        page.field("note", reason);
    }
}

/// What the worst of these runs means.
fn failure_of(firings: &[Firing]) -> Option<Failure> {
    let rank = |state: FiringState| match state {
        FiringState::Failed => 3,
        FiringState::Cancelled => 2,
        FiringState::Partial => 1,
        FiringState::Succeeded | FiringState::Running | FiringState::Missed => 0,
    };
    let worst = firings
        .iter()
        .filter(|one| rank(one.state) > 0)
        .max_by_key(|one| rank(one.state))?;
    let kind = match worst.state {
        FiringState::Cancelled => ErrorKind::Cancelled,
        FiringState::Partial => ErrorKind::Partial,
        _ => worst.failure.unwrap_or(ErrorKind::Internal),
    };
    let failure = Failure::new(
        kind,
        format!(
            "schedule `{}`: its run is {}",
            worst.schedule,
            worst.state.as_str()
        ),
    );
    Some(failure.with_hint(match worst.operation {
        Some(operation) => format!("`ostler operation show {}` tells why", operation.short()),
        None => format!("`ostler schedule show {}` tells why", worst.schedule),
    }))
}

/// Why the list is no good news: nobody runs schedules, a run is overdue, or the last one did not end well.
pub(crate) fn troubles(list: &ScheduleList, silence: Option<Span>, now: Timestamp) -> Option<Failure> {
    let active = list.schedules.iter().any(|one| one.schedule.pause.is_none());
    let alive = match (silence, list.scheduler.last_beat) {
        (Some(silence), Some(beat)) => now.duration_since(beat).unsigned_abs() <= silence.0,
        (None, _) => list.scheduler.alive,
        (_, None) => false,
    };
    if active && !alive {
        let since = list
            .scheduler
            .last_beat
            .map_or("never".to_owned(), |beat| ago(now, beat));
        let failure = Failure::new(
            ErrorKind::Unavailable,
            format!("nobody runs schedules: last beat {since}"),
        );
        return Some(failure.with_hint("start `ostler serve`, or let cron run `ostler schedule run-due`"));
    }
    let name = |one: &ScheduleSummary| format!("`{}`", one.schedule.name);
    let overdue: Vec<String> = list
        .schedules
        .iter()
        .filter(|one| one.overdue.is_some())
        .map(name)
        .collect();
    let bad = |one: &&ScheduleSummary| {
        one.last.as_ref().is_some_and(|last| rank_is_bad(last.state)) && one.schedule.pause.is_none()
    };
    let failed: Vec<String> = list.schedules.iter().filter(bad).map(name).collect();
    let mut said = Vec::new();
    if !overdue.is_empty() {
        said.push(format!("overdue: {}", overdue.join(", ")));
    }
    if !failed.is_empty() {
        said.push(format!(
            "the last run was missed or did not end well: {}",
            failed.join(", ")
        ));
    }
    (!said.is_empty()).then(|| {
        Failure::new(ErrorKind::Partial, said.join("; ")).with_hint("`ostler schedule show NAME` tells why")
    })
}

fn rank_is_bad(state: FiringState) -> bool {
    !matches!(state, FiringState::Succeeded | FiringState::Running)
}
