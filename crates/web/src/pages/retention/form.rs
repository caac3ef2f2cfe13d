//! Adding, changing and removing a policy.

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use ostler_api::retention::{
    Floors, PartitionRule, Policy, PolicyChange, PolicyChoice, PolicyWish, RetentionCall, Strategy,
    TableName, TimeUnit,
};
use ostler_vocabulary::{ErrorKind, Failure, Period};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::form::{Typed, field, needed};
use super::super::frame::{encoded, form_token, page};
use super::super::{Page, sent_by};
use super::ask;
use super::policies::{address, listed};
use crate::access::{Identity, Role};
use crate::serve::Web;
use crate::v1::Pairs;

const UNITS: [(&str, &str); 7] = [
    ("", "As its type says"),
    ("s", "Seconds since 1970"),
    ("ms", "Milliseconds since 1970"),
    ("us", "Microseconds since 1970"),
    ("ns", "Nanoseconds since 1970"),
    ("uuidv7", "UUID of version 7"),
    ("ulid", "ULID"),
];
const RULES: [(&str, &str); 2] = [
    ("end", "Its end is old enough: no row in it is younger"),
    ("start", "Its start is old enough"),
];

fn policies_of(database: &str) -> String {
    format!("/retention/{}", encoded(database))
}

pub(in crate::pages) async fn new(
    Extension(identity): Extension<Identity>,
    Path(database): Path<String>,
) -> Page {
    Ok(new_page(&identity, &database, &Typed::default()))
}

fn new_page(identity: &Identity, database: &str, typed: &Typed) -> Response {
    let body = html! {
        (typed.faults())
        form.narrow.wide method="post" action=(policies_of(database)) {
            (form_token(identity))
            (typed.line(needed("table", "Table", "Such as `public.events`.")))
            (typed.line(field("name", "Name of the policy", "That of the table if empty.")))
            (what(typed, true))
            button type="submit" { "Add the policy" }
        }
        p.muted { "Nothing is removed by that: what would go is shown when you ask for it, and goes when you agree." }
    };
    page(identity, "/retention", &format!("New policy of {database}"), body)
}

/// The fields that a policy can be changed by.
fn what(typed: &Typed, is_new: bool) -> Markup {
    let mut strategies: Vec<(&str, &str)> = Vec::new();
    if is_new {
        strategies.push(("", "What fits the table: drop partitions, or delete rows"));
    }
    strategies.extend(Strategy::ALL.map(|strategy| (strategy.as_str(), strategy.about())));
    html! {
        div.fields {
            (typed.line(needed("keep", "Keep for", "Such as `90d`, `18mo`, or `inf` for ever.")))
            (typed.line(field("column", "Column that tells the time", if is_new { "The only one of that kind if empty." } else { "" })))
        }
        (typed.choice("strategy", "What becomes of what is older", "", &strategies))
        div.fields {
            (typed.line(field("target", "Where it is kept", "To archive: an address or a class of storage; to sum up: a rollup.")))
            (typed.line(field("tags", "Tags", "With commas between; policies are chosen by them.")))
        }
        details open[!typed.is_right()] {
            summary { "More" }
            div.fields {
                (typed.line(field("time_zone", "Time zone", "In which days and months are counted; UTC if empty.")))
                (typed.choice("unit", "How the column tells a time", "", &UNITS))
                (typed.choice("partition_rule", "A partition is old when", "", &RULES))
                (typed.line(field("step", "How long a partition is", "To make them ahead: such as `1d`.")))
                (typed.line(field("last", "Rows to keep of each key", "")))
                (typed.line(field("by", "Columns of the key", "With commas between.")))
            }
            fieldset {
                legend { "What it may not do" }
                div.fields {
                    (typed.line(field("max_rows", "Rows at most", "A plan that removes more is refused.")))
                    (typed.line(field("max_delete_ratio", "Share at most", "From 0 to 1, of the rows of the table.")))
                    (typed.line(field("min_keep", "At least", "So many partitions, or rows, always stay.")))
                }
            }
        }
    }
}

/// What a word of a choice stands for; its words are those of documents.
fn chosen<T: DeserializeOwned>(typed: &mut Typed, name: &str) -> Option<T> {
    let word = typed.text(name)?;
    let value = serde_json::from_value(word.as_str().into()).ok();
    if value.is_none() {
        let message = format!("`{word}` is none of the choices");
        typed.wrong(name, message);
    }
    value
}

fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn whole(typed: &mut Typed, name: &str) -> Option<u64> {
    let text = typed.text(name)?;
    let number = text.parse().ok();
    if number.is_none() {
        let message = format!("`{text}` is no whole number");
        typed.wrong(name, message);
    }
    number
}

fn read(typed: &mut Typed) -> PolicyChange {
    PolicyChange {
        keep: typed.read::<Period>("keep"),
        column: typed.text("column"),
        strategy: chosen(typed, "strategy"),
        target: typed.text("target"),
        step: typed.read("step"),
        tags: typed.list("tags").into_iter().collect(),
        time_zone: typed.text("time_zone"),
        unit: chosen::<TimeUnit>(typed, "unit"),
        partition_rule: chosen::<PartitionRule>(typed, "partition_rule"),
        last: typed.count("last"),
        by: typed.list("by"),
        floors: Floors {
            max_rows: whole(typed, "max_rows"),
            max_delete_ratio: typed.share("max_delete_ratio"),
            min_keep: whole(typed, "min_keep"),
        },
    }
}

pub(in crate::pages) async fn add(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(database): Path<String>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    let mut typed = Typed::of(form);
    typed.needed("table");
    typed.needed("keep");
    let table: Option<TableName> = typed.read("table");
    let change = read(&mut typed);
    if let (true, Some(table), Some(keep)) = (typed.is_right(), table, change.keep) {
        let wish = PolicyWish {
            name: typed.text("name"),
            table,
            column: change.column.clone(),
            strategy: change.strategy,
            keep,
            change: PolicyChange {
                keep: None,
                column: None,
                strategy: None,
                ..change
            },
        };
        let call = RetentionCall::Add { wish, replace: false };
        match ask(&web, &identity, &database, call).await {
            Ok(_) => return Ok(Redirect::to(&policies_of(&database)).into_response()),
            Err(failure) => typed.refuse(failure),
        }
    }
    Ok(typed.answer(new_page(&identity, &database, &typed)))
}

/// The form that changes a policy, or the question whether it is to go.
pub(in crate::pages) async fn one(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((database, policy, verb)): Path<(String, String, String)>,
) -> Page {
    let policy = named(&web, &identity, &database, &policy).await?;
    match verb.as_str() {
        "edit" => Ok(edit_page(&identity, &database, &policy, None)),
        "remove" => Ok(remove_page(&identity, &database, &policy)),
        _ => Err(cannot(&verb).into()),
    }
}

fn cannot(verb: &str) -> Failure {
    Failure::new(ErrorKind::NotFound, format!("a policy cannot be told to {verb}"))
}

async fn named(web: &Web, identity: &Identity, database: &str, name: &str) -> Result<Policy, Failure> {
    let found = listed(web, identity, database, only(name)).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| Failure::new(ErrorKind::NotFound, format!("there is no policy `{name}`")))
}

fn only(name: &str) -> PolicyChoice {
    PolicyChoice {
        names: vec![name.to_owned()],
        ..PolicyChoice::default()
    }
}

fn edit_page(identity: &Identity, database: &str, policy: &Policy, typed: Option<&Typed>) -> Response {
    let stored = Typed::with(typed_of(policy));
    let typed = typed.unwrap_or(&stored);
    let body = html! {
        p { "For the table " code { (policy.table) } "." }
        (typed.faults())
        form.narrow.wide method="post" action=(address(database, &policy.name, "edit")) {
            (form_token(identity))
            input type="hidden" name="version" value=(policy.version);
            (what(typed, false))
            button type="submit" { "Change the policy" }
            " " a.button.quiet href=(policies_of(database)) { "Leave it" }
        }
    };
    page(identity, "/retention", &format!("Change {}", policy.name), body)
}

/// What stands in the fields for a policy.
fn typed_of(policy: &Policy) -> Vec<(&'static str, String)> {
    let tags: Vec<&str> = policy.tags.iter().map(String::as_str).collect();
    let mut values = vec![
        ("keep", policy.keep.to_string()),
        ("column", policy.column.clone()),
        ("strategy", policy.strategy.as_str().to_owned()),
        ("tags", tags.join(", ")),
        ("time_zone", policy.time_zone.clone()),
        ("partition_rule", word(policy.partition_rule)),
        ("by", policy.by.join(", ")),
    ];
    values.extend(policy.target.clone().map(|target| ("target", target)));
    values.extend(policy.step.map(|step| ("step", step.to_string())));
    values.extend(policy.unit.map(|unit| ("unit", word(unit))));
    values.extend(policy.last.map(|last| ("last", last.to_string())));
    values.extend(policy.floors.max_rows.map(|rows| ("max_rows", rows.to_string())));
    values.extend(
        policy
            .floors
            .max_delete_ratio
            .map(|ratio| ("max_delete_ratio", ratio.to_string())),
    );
    values.extend(policy.floors.min_keep.map(|keep| ("min_keep", keep.to_string())));
    values
}

pub(in crate::pages) async fn change(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((database, policy, verb)): Path<(String, String, String)>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    match verb.as_str() {
        "edit" => edit(&web, &identity, &database, &policy, form).await,
        "remove" => {
            let choice = only(&policy);
            ask(&web, &identity, &database, RetentionCall::Remove { choice }).await?;
            Ok(Redirect::to(&policies_of(&database)).into_response())
        }
        _ => Err(cannot(&verb).into()),
    }
}

async fn edit(web: &Web, identity: &Identity, database: &str, name: &str, form: Pairs) -> Page {
    let policy = named(web, identity, database, name).await?;
    let mut typed = Typed::of(form);
    typed.needed("keep");
    let version = typed.read("version");
    let change = read(&mut typed);
    // A change says what is to be different, and has no word for what is to be gone.
    for (field, was) in typed_of(&policy) {
        let is_filled = !was.is_empty() && !matches!(field, "keep" | "target");
        if is_filled && typed.text(field).is_none() {
            typed.wrong(
                field,
                "it can be changed, and not taken away: remove the policy and add it again",
            );
        }
    }
    if typed.is_right() {
        let call = RetentionCall::Edit {
            policy: name.to_owned(),
            version,
            change,
        };
        match ask(web, identity, database, call).await {
            Ok(_) => return Ok(Redirect::to(&policies_of(database)).into_response()),
            Err(failure) => typed.refuse(failure),
        }
    }
    Ok(typed.answer(edit_page(identity, database, &policy, Some(&typed))))
}

fn remove_page(identity: &Identity, database: &str, policy: &Policy) -> Response {
    let body = html! {
        p { "Nothing of the table " code { (policy.table) } " is removed by this policy any more. Its rows stay as they are." }
        form.confirm method="post" action=(address(database, &policy.name, "remove")) {
            (form_token(identity))
            button.danger type="submit" { "Remove the policy" }
            a.button.quiet href=(policies_of(database)) { "Leave it" }
        }
    };
    page(identity, "/retention", &format!("Remove {}", policy.name), body)
}
