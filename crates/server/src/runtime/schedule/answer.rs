//! Schedules looked at and changed.

use ostler_api::document::{
    ScheduleChange, ScheduleDetail, ScheduleList, SchedulePreview, ScheduleSummary, SchedulerStanding,
};
use ostler_api::request::{Keep, Request};
use ostler_api::schedule::{
    Definition, DefinitionChange, Pause, Push, Schedule, ScheduleAnswer, ScheduleCall, Trigger,
};
use ostler_schedule::timetable::Entry;
use ostler_schedule::{Error, Rule, Timetable, carries_secret, check_name, decide, overdue};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::super::Runtime;
use super::SILENCE;
use super::sweep::parent_of;

/// How many runs `show` looks ahead.
const AHEAD: usize = 5;
/// The most that `preview` looks ahead.
const FAR_AHEAD: u32 = 1000;

impl Runtime {
    pub(super) async fn answer_about_schedules(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        if let ScheduleCall::Add { definition, .. } = &call {
            refuse(definition)?;
        }
        self.timetable_now(move |timetable, now| Ok(answer(timetable, call, now)))
            .await?
    }
}

/// What is never recorded or never makes sense.
fn refuse(definition: &Definition) -> Result<(), Failure> {
    let wrong = |message: String, hint: &str| Err(Failure::new(ErrorKind::Invalid, message).with_hint(hint));
    for word in &definition.words {
        if let Some(what) = carries_secret(word) {
            return wrong(
                format!("the command has {what}, and schedules are stored as they are written"),
                "name it in the configuration by reference: { env = \"…\" } or { file = \"…\" }",
            );
        }
    }
    if let Some(Push::Url(url)) = &definition.push
        && let Some(what) = carries_secret(url)
    {
        return wrong(
            format!("the URL has {what}, and schedules are stored as they are written"),
            "`--push env:NAME` and `--push file:PATH` name where the URL is",
        );
    }
    if definition.keep.is_some() && !matches!(definition.request, Request::CreateBackup(_)) {
        return wrong(
            "only a schedule of `backup create` has keep rules".to_owned(),
            "schedule `backup prune` on its own",
        );
    }
    match definition.request {
        Request::CreateBackup(_)
        | Request::Verify(_)
        | Request::Drill(_)
        | Request::Prune(_)
        | Request::CheckVault(_)
        | Request::Mirror(_)
        | Request::Retention(_) => Ok(()),
        Request::Tables(ref tables) if tables.task.is_scheduled() => Ok(()),
        _ => wrong(
            "this command is not run by schedules".to_owned(),
            "what is: backup create, verify, drill and prune; vault check and mirror; retention run; rollup and materialize refresh; query run",
        ),
    }
}

fn answer(timetable: &dyn Timetable, call: ScheduleCall, now: Timestamp) -> Result<ScheduleAnswer, Failure> {
    let changed = |action: &str, schedule: Schedule| changed(timetable, action, schedule, now);
    match call {
        ScheduleCall::List => {
            let schedules = timetable
                .list()?
                .into_iter()
                .map(|entry| summary(timetable, entry, now))
                .collect::<Result<_, Error>>()?;
            Ok(ScheduleAnswer::List(ScheduleList {
                scheduler: standing(timetable, now)?,
                schedules,
            }))
        }
        ScheduleCall::Show { name, limit } => {
            let entry = timetable.get(&name)?;
            let upcoming = match entry.schedule.pause {
                Some(_) => Vec::new(),
                None => Rule::of(&entry.schedule)?
                    .upcoming(now.max(entry.decided))
                    .take(AHEAD)
                    .map(|run| run.at)
                    .collect(),
            };
            Ok(ScheduleAnswer::Detail(Box::new(ScheduleDetail {
                summary: summary(timetable, entry, now)?,
                upcoming,
                firings: timetable.firings(&name, limit)?,
            })))
        }
        ScheduleCall::Add { name, definition } => {
            check_name(&name)?;
            Rule::new(&name, &definition, now)?;
            follows(timetable, &name, &definition)?;
            changed("added", timetable.add(&name, &definition, now)?)
        }
        ScheduleCall::Edit {
            name,
            version,
            change,
        } => {
            let entry = timetable.get(&name)?;
            let definition = edited(entry.schedule.definition, *change);
            refuse(&definition)?;
            Rule::new(&name, &definition, entry.schedule.created)?;
            follows(timetable, &name, &definition)?;
            let version = version.or(Some(entry.schedule.version));
            changed("changed", timetable.edit(&name, version, &definition, now)?)
        }
        ScheduleCall::Pause { name, reason } => {
            let pause = Pause { since: now, reason };
            changed("paused", timetable.pause(&name, Some(&pause), now)?)
        }
        ScheduleCall::Resume { name } => changed("resumed", timetable.pause(&name, None, now)?),
        ScheduleCall::Remove { name } => Ok(ScheduleAnswer::Changed(Box::new(ScheduleChange {
            action: "removed".to_owned(),
            schedule: timetable.remove(&name)?,
            next: None,
            notes: Vec::new(),
        }))),
        ScheduleCall::Preview { name, from, count } => {
            let entry = timetable.get(&name)?;
            let rule = Rule::of(&entry.schedule)?;
            let runs: Vec<_> = rule
                .upcoming(from.unwrap_or(now))
                .take(count.min(FAR_AHEAD) as usize)
                .collect();
            let reasons = match (rule.parent(), runs.len() < count as usize) {
                (Some(parent), _) => vec![format!("it runs after each good run of `{parent}`")],
                (None, true) => vec!["it has an end".to_owned()],
                (None, false) => Vec::new(),
            };
            Ok(ScheduleAnswer::Preview(SchedulePreview {
                schedule: name,
                zone: entry.schedule.definition.zone,
                runs,
                reasons,
            }))
        }
        ScheduleCall::Run { .. } | ScheduleCall::Finish { .. } | ScheduleCall::RunDue => Err(Failure::new(
            ErrorKind::Internal,
            "a call that runs something was taken for a question",
        )),
    }
}

/// The schedule that it runs after is there, and does not run after this one.
fn follows(timetable: &dyn Timetable, name: &str, definition: &Definition) -> Result<(), Failure> {
    let mut trigger = definition.trigger.clone();
    let mut chain = vec![name.to_owned()];
    while let Trigger::After(parent) = trigger {
        if chain.contains(&parent) {
            chain.push(parent);
            return Err(Failure::new(
                ErrorKind::Invalid,
                format!("these would run after one another for ever: {}", chain.join(", ")),
            ));
        }
        trigger = timetable.get(&parent)?.schedule.definition.trigger;
        chain.push(parent);
    }
    Ok(())
}

fn standing(timetable: &dyn Timetable, now: Timestamp) -> Result<SchedulerStanding, Error> {
    let beat = timetable.last_beat()?;
    Ok(SchedulerStanding {
        last_beat: beat.as_ref().map(|(_, at)| *at),
        process: beat
            .as_ref()
            .map(|(owner, _)| format!("{} (process {})", owner.host, owner.pid)),
        alive: beat.is_some_and(|(owner, at)| !owner.is_dead() && now.duration_since(at) < SILENCE),
    })
}

fn summary(timetable: &dyn Timetable, entry: Entry, now: Timestamp) -> Result<ScheduleSummary, Error> {
    let facts = entry.facts(parent_of(timetable, &entry)?);
    let (next, reasons, overdue) = match Rule::of(&entry.schedule) {
        Ok(rule) => {
            let decision = decide(&rule, &facts, now);
            let overdue = overdue(&decision, now);
            (decision.next, decision.reasons, overdue)
        }
        Err(error) => (None, vec![error.to_string()], None),
    };
    Ok(ScheduleSummary {
        schedule: entry.schedule,
        next,
        reasons,
        overdue,
        last: entry.last,
        last_good: entry.last_good,
    })
}

fn changed(
    timetable: &dyn Timetable,
    action: &str,
    schedule: Schedule,
    now: Timestamp,
) -> Result<ScheduleAnswer, Failure> {
    let mut notes = Vec::new();
    if !standing(timetable, now)?.alive && schedule.pause.is_none() {
        notes.push(
            "nobody runs what is due: start `ostler serve`, or let cron run `ostler schedule run-due`"
                .to_owned(),
        );
    }
    let entry = timetable.get(&schedule.name)?;
    Ok(ScheduleAnswer::Changed(Box::new(ScheduleChange {
        action: action.to_owned(),
        next: summary(timetable, entry, now)?.next,
        schedule,
        notes,
    })))
}

/// The definition with what is to be different.
fn edited(old: Definition, change: DefinitionChange) -> Definition {
    let (words, request) = change.command.unwrap_or((old.words, old.request));
    let span = |new: Option<ostler_vocabulary::Span>, old| match new {
        Some(span) if span.0.is_zero() => None,
        Some(span) => Some(span),
        None => old,
    };
    Definition {
        trigger: change.trigger.unwrap_or(old.trigger),
        zone: change.zone.unwrap_or(old.zone),
        jitter: span(change.jitter, old.jitter),
        missed: change.missed.unwrap_or(old.missed),
        overlap: change.overlap.unwrap_or(old.overlap),
        deadline: span(change.deadline, old.deadline),
        start: change.start.or(old.start),
        end: change.end.or(old.end),
        words,
        request,
        keep: change
            .keep
            .or(old.keep)
            .filter(|keep| keep.keep != Keep::default()),
        push: if change.no_push {
            None
        } else {
            change.push.or(old.push)
        },
    }
}
