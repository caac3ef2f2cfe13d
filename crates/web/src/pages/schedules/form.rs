//! Adding and changing a schedule.

use axum::Form;
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use ostler_api::document::ScheduleDetail;
use ostler_api::request::{Keep, Prune};
use ostler_api::schedule::{Definition, DefinitionChange, Missed, Overlap, Schedule, ScheduleCall, Trigger};
use ostler_vocabulary::{Span, Timestamp};

use super::super::form::{Typed, field, needed};
use super::super::frame::{form_token, page};
use super::super::{Page, keep, sent_by};
use super::work::{self, Kind};
use super::{address, detail};
use crate::access::{Identity, Role};
use crate::guard::may;
use crate::serve::Web;
use crate::v1::Pairs;

/// What is typed into each of these, and what it means.
const TRIGGERS: [(&str, &str); 3] = [
    ("cron", "By the clock"),
    ("every", "Again and again after"),
    ("after", "After each good run of"),
];
const MISSED: [(&str, &str); 3] = [
    ("once", "One run makes up for all"),
    ("skip", "They are left out"),
    ("all", "Each is made up for"),
];
const OVERLAPS: [(&str, &str); 2] = [
    ("skip", "It is left out"),
    ("wait", "It begins when that one is over"),
];

pub(in crate::pages) async fn new(
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let offered = offered(&identity);
    let asked = pairs.one("work")?.and_then(Kind::named);
    let kind = asked.or(offered.first().copied()).unwrap_or(Kind::Cluster);
    let typed = Typed::with([("zone", "UTC".to_owned()), ("time", "30 2 * * *".to_owned())]);
    Ok(new_page(&identity, kind, &typed))
}

/// What they may schedule.
fn offered(identity: &Identity) -> Vec<Kind> {
    let all = Kind::ALL.into_iter();
    all.filter(|kind| identity.scope.is_everything() || kind.is_of_a_cluster())
        .collect()
}

fn new_page(identity: &Identity, kind: Kind, typed: &Typed) -> Response {
    let body = html! {
        nav.tabs aria-label="What it does" {
            ul {
                @for one in offered(identity) {
                    li { a href={ "/schedules/new?work=" (one.as_str()) } aria-current=[(one == kind).then_some("true")] { (one.title()) } }
                }
            }
        }
        (typed.faults())
        form.narrow.wide method="post" action="/schedules" {
            (form_token(identity))
            input type="hidden" name="work" value=(kind.as_str());
            (typed.line(needed("name", "Name", "Such as `nightly`.")))
            (work::fields(kind, typed))
            (times(typed))
            @if kind.makes_backups() { (keep::fields(typed)) }
            button type="submit" { "Add the schedule" }
        }
        p.muted { code { "ostler schedule add" } " adds other kinds, such as rollups and mirrors." }
    };
    page(identity, "/schedules", "New schedule", body)
}

fn times(typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "When" }
            div.fields {
                (typed.choice("trigger", "It runs", "", &TRIGGERS))
                (typed.line(needed("time", "Time, span or schedule", "`30 2 * * *` is 02:30 every night; a span is written `6h`.")))
                (typed.line(field("zone", "Time zone", "Of the clock, such as `Europe/Berlin`.")))
            }
            details open[!typed.is_right()] {
                summary { "More about its runs" }
                div.fields {
                    (typed.choice("missed", "Runs that nobody began", "", &MISSED))
                    (typed.choice("overlap", "A run due while one runs", "", &OVERLAPS))
                    (typed.line(field("jitter", "Moved by up to", "Such as `10m`: each schedule by its own share.")))
                    (typed.line(field("deadline", "Begins at most so late", "Such as `2h`.")))
                    (typed.line(field("start", "Nothing before", "Such as `2026-12-01T00:00:00Z`.")))
                    (typed.line(field("end", "Nothing from then on", "")))
                }
            }
        }
    }
}

/// When it runs, as it was typed.
struct Times {
    trigger: Trigger,
    zone: String,
    missed: Missed,
    overlap: Overlap,
    jitter: Option<Span>,
    deadline: Option<Span>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

fn read_times(typed: &mut Typed) -> Times {
    let time = typed.needed("time");
    let every = time.strip_prefix("@every").map(str::trim);
    let trigger = match (typed.text("trigger").as_deref(), every) {
        (Some("after"), _) => Trigger::After(time),
        (Some("every"), _) => Trigger::Every(typed.read("time").unwrap_or_default()),
        (_, Some(every)) => match every.parse() {
            Ok(span) => Trigger::Every(span),
            Err(error) => {
                let message = error.to_string();
                typed.wrong("time", message);
                Trigger::Cron(time)
            }
        },
        (_, None) => Trigger::Cron(time),
    };
    Times {
        trigger,
        zone: typed.text("zone").unwrap_or_else(|| "UTC".to_owned()),
        missed: match typed.text("missed").as_deref() {
            Some("skip") => Missed::Skip,
            Some("all") => Missed::All,
            _ => Missed::Once,
        },
        overlap: match typed.text("overlap").as_deref() {
            Some("wait") => Overlap::Wait,
            _ => Overlap::Skip,
        },
        jitter: typed.read("jitter").filter(|span: &Span| !span.0.is_zero()),
        deadline: typed.read("deadline").filter(|span: &Span| !span.0.is_zero()),
        start: moment(typed, "start"),
        end: moment(typed, "end"),
    }
}

fn moment(typed: &mut Typed, name: &str) -> Option<Timestamp> {
    let text = typed.text(name)?;
    let moment = text.parse().ok();
    if moment.is_none() {
        let message = format!("`{text}` is no time with its zone, such as 2026-12-01T00:00:00Z");
        typed.wrong(name, message);
    }
    moment
}

pub(in crate::pages) async fn add(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    let kind = form.one("work")?.and_then(Kind::named).unwrap_or(Kind::Files);
    let mut typed = Typed::of(form);
    if let Some((name, call)) = wish(kind, &mut typed) {
        may(&identity, Role::needed_for_schedule(&call))?;
        match web.client(&identity).schedule(call).await {
            Ok(_) => return Ok(Redirect::to(&address(&name, "show")).into_response()),
            Err(failure) => typed.refuse(failure),
        }
    }
    Ok(typed.answer(new_page(&identity, kind, &typed)))
}

/// The call that was typed and the name of the schedule, when nothing is wrong with it.
fn wish(kind: Kind, typed: &mut Typed) -> Option<(String, ScheduleCall)> {
    let name = typed.needed("name");
    let (words, request) = work::read(kind, typed);
    let times = read_times(typed);
    let rules = match kind.makes_backups() {
        true => keep::read(typed),
        false => Keep::default(),
    };
    let definition = Definition {
        trigger: times.trigger,
        zone: times.zone,
        jitter: times.jitter,
        missed: times.missed,
        overlap: times.overlap,
        deadline: times.deadline,
        start: times.start,
        end: times.end,
        words,
        request,
        keep: (rules != Keep::default()).then(|| Prune {
            keep: rules,
            ..Prune::default()
        }),
        push: None,
    };
    let call = ScheduleCall::Add {
        name: name.clone(),
        definition: Box::new(definition),
    };
    typed.is_right().then_some((name, call))
}

/// The form of one that is there.
pub(super) fn edit_page(identity: &Identity, detail: &ScheduleDetail, typed: Option<&Typed>) -> Response {
    let schedule = &detail.summary.schedule;
    let stored = Typed::with(typed_of(schedule));
    let typed = typed.unwrap_or(&stored);
    let body = html! {
        p { code { "ostler " (schedule.definition.words.join(" ")) } }
        p.muted { "What it does is changed by " code { "ostler schedule edit " (schedule.name) " -- COMMAND" } "." }
        (typed.faults())
        form.narrow.wide method="post" action=(address(&schedule.name, "edit")) {
            (form_token(identity))
            input type="hidden" name="version" value=(schedule.version);
            (times(typed))
            @if detail::makes_backups(schedule) && identity.scope.is_everything() { (keep::fields(typed)) }
            button type="submit" { "Change the schedule" }
            " " a.button.quiet href=(address(&schedule.name, "show")) { "Leave it" }
        }
    };
    page(identity, "/schedules", &format!("Change {}", schedule.name), body)
}

/// What stands in the fields for a schedule.
fn typed_of(schedule: &Schedule) -> Vec<(&'static str, String)> {
    let definition = &schedule.definition;
    let (trigger, time) = match &definition.trigger {
        Trigger::Cron(text) => ("cron", text.clone()),
        Trigger::Every(span) => ("every", span.to_string()),
        Trigger::After(other) => ("after", other.clone()),
    };
    let mut values = vec![
        ("trigger", trigger.to_owned()),
        ("time", time),
        ("zone", definition.zone.clone()),
        (
            "missed",
            match definition.missed {
                Missed::Once => "once",
                Missed::Skip => "skip",
                Missed::All => "all",
            }
            .to_owned(),
        ),
        (
            "overlap",
            match definition.overlap {
                Overlap::Skip => "skip",
                Overlap::Wait => "wait",
            }
            .to_owned(),
        ),
    ];
    values.extend(definition.jitter.map(|span| ("jitter", span.to_string())));
    values.extend(definition.deadline.map(|span| ("deadline", span.to_string())));
    values.extend(definition.start.map(|start| ("start", start.to_string())));
    values.extend(definition.end.map(|end| ("end", end.to_string())));
    if let Some(prune) = &definition.keep {
        values.extend(keep::typed(&prune.keep));
    }
    values
}

/// Changes it as the form says; the form again when that cannot be.
pub(super) async fn edit(web: &Web, identity: &Identity, name: &str, form: Pairs) -> Page {
    let detail = detail::asked(web, identity, name).await?;
    let mut typed = Typed::of(form);
    let version: Option<u64> = typed.read("version");
    let change = change(&detail.summary.schedule, identity, &mut typed);
    if typed.is_right() {
        let call = ScheduleCall::Edit {
            name: name.to_owned(),
            version,
            change: Box::new(change),
        };
        match web.client(identity).schedule(call).await {
            Ok(_) => return Ok(Redirect::to(&address(name, "show")).into_response()),
            Err(failure) => typed.refuse(failure),
        }
    }
    Ok(typed.answer(edit_page(identity, &detail, Some(&typed))))
}

/// What is to be different, and nothing that stays.
fn change(schedule: &Schedule, identity: &Identity, typed: &mut Typed) -> DefinitionChange {
    let old = &schedule.definition;
    let new = read_times(typed);
    for (name, was, is) in [("start", old.start, new.start), ("end", old.end, new.end)] {
        if was.is_some() && is.is_none() && typed.text(name).is_none() {
            typed.wrong(
                name,
                "it can be moved, and not taken away: add the schedule again without",
            );
        }
    }
    let span = |new: Option<Span>, old: Option<Span>| (new != old).then(|| new.unwrap_or_default());
    let prune = old.keep.clone().unwrap_or_default();
    let rules = Prune {
        keep: Keep {
            tags: prune.keep.tags.clone(),
            ..keep::read(typed)
        },
        ..prune.clone()
    };
    let has_rules = detail::makes_backups(schedule) && identity.scope.is_everything();
    DefinitionChange {
        trigger: (new.trigger != old.trigger).then_some(new.trigger),
        zone: (new.zone != old.zone).then_some(new.zone),
        jitter: span(new.jitter, old.jitter),
        missed: (new.missed != old.missed).then_some(new.missed),
        overlap: (new.overlap != old.overlap).then_some(new.overlap),
        deadline: span(new.deadline, old.deadline),
        start: new.start.filter(|start| Some(*start) != old.start),
        end: new.end.filter(|end| Some(*end) != old.end),
        keep: (has_rules && rules != prune).then_some(rules),
        ..DefinitionChange::default()
    }
}
