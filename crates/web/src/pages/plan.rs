//! A plan, to be agreed to.

use axum::Form;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use ostler_api::request::{NodeWork, PruneWork, RestoreWork, Work};
use ostler_api::{Plan, Request};
use ostler_vocabulary::Failure;
use ostler_vocabulary::humane::{count, plural, size};

use super::fault::code;
use super::frame::{facts, form_token, page};
use super::table::{Column, table};
use super::{Page, request, retention, sent_by};
use crate::access::{Identity, Role};
use crate::problem;
use crate::serve::Web;
use crate::v1::{Pairs, make_plan};

/// Paths and backups of a plan that are shown.
const SHOWN: usize = 200;

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    match planned(&web, &identity, &form).await {
        Ok(plan) => Ok(confirm(&identity, &plan)),
        // What was typed is shown again, with what is wrong with it.
        Err(failure) if form.one("action")? == Some("create_backup") => {
            let page = request::ask(&web, &identity, &form, Some(&failure)).await?;
            Ok((problem::status(failure.kind()), page).into_response())
        }
        Err(failure) if form.one("action")? == Some("prune") => {
            Ok(retention::again(&web, &identity, &form, failure).await?)
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn planned(web: &Web, identity: &Identity, form: &Pairs) -> Result<Plan, Failure> {
    make_plan(web, identity, request::of_form(form)?).await
}

/// The page that shows a plan and asks.
fn confirm(identity: &Identity, plan: &Plan) -> Response {
    let (verb, destroys) = words(plan);
    let is_empty = matches!(&plan.work, Work::Retention(work) if work.items.is_empty());
    let body = html! {
        (facts(&[
            ("About", html! { (plan.subject) }),
            ("Vault", html! { @if plan.vault.is_empty() { "none" } @else { (plan.vault) } }),
            ("Digest", html! { code { (plan.digest.get(..16).unwrap_or(&plan.digest)) } }),
        ]))
        (work(plan))
        @if is_empty {
            p { a.button href="/retention" { "Back to retention" } }
        } @else {
            form.confirm method="post" action="/operations" {
                (form_token(identity))
                input type="hidden" name="digest" value=(plan.digest);
                button.danger[destroys] type="submit" { (verb) }
                a.button.quiet href="/" { "Do nothing" }
            }
            p.muted { "Exactly this is done. What changes before you agree is left alone and named, never done otherwise." }
        }
    };
    let title = format!("Plan: {}", verb.to_lowercase());
    let here = match &plan.request {
        Request::Retention(_) | Request::Prune(_) => "/retention",
        _ => "/backups",
    };
    page(identity, here, &title, body)
}

/// What the button says, and whether it destroys something.
fn words(plan: &Plan) -> (String, bool) {
    let verb = match &plan.request {
        Request::CreateBackup(_) => "Start the backup",
        Request::Restore(_) => "Restore",
        Request::Verify(verify) if verify.read_data => "Read every byte",
        Request::Verify(_) => "Look every object up",
        Request::Drill(_) => "Run the drill",
        Request::Delete(_) => "Delete",
        _ => "Carry it out",
    };
    match &plan.work {
        Work::Prune(work) => {
            let gone = work.decisions.iter().filter(|one| !one.keep).count() + work.incomplete.len();
            (format!("Delete {}", plural(gone as u64, "backup")), true)
        }
        Work::Retention(work) if work.items.is_empty() => ("Nothing goes".to_owned(), false),
        Work::Retention(work) => (retention::words(work), true),
        _ => (verb.to_owned(), false),
    }
}

fn work(plan: &Plan) -> Markup {
    match &plan.work {
        Work::CreateBackup(work) => html! {
            p { "Reads what is there"
                @if let Some(parent) = work.parent { " and takes unchanged files from backup " code { (parent.short()) } }
                ". Files are only read." }
            (list("What to know before", work.warnings.iter().map(String::as_str)))
            (paths("Left out", &work.left_out))
        },
        Work::Restore(work) => restore(work),
        Work::Verify(work) | Work::Drill(work) => html! {
            p { (plural(work.files, "file")) ", " (size(work.bytes)) "."
                @if matches!(&plan.request, Request::Drill(drill) if drill.start) {
                    " Then its database is started on them, on this machine, and what it says is compared with what it said when the \
                    backup was made."
                }
            }
        },
        Work::Prune(work) => prune(work),
        Work::Retention(work) => retention::work(work),
        _ => html! { p { "The command line shows this kind of plan in full." } },
    }
}

fn restore(work: &RestoreWork) -> Markup {
    html! {
        (facts(&[
            ("To", html! { @match &work.to {
                Some(to) => (to.display()),
                None if work.nodes.is_empty() => "the original place",
                None => "nodes",
            } }),
            ("Made", html! { (count(work.create)) }),
            ("Replaced", html! { (count(work.replace)) }),
            ("Right already", html! { (count(work.keep)) }),
            ("Written", html! { (size(work.bytes)) }),
        ]))
        @if !work.nodes.is_empty() { (nodes(&work.nodes)) }
        @if let Some(load) = &work.load { (list("Emptied, and loaded again", load.empties.iter().map(String::as_str))) }
        (paths("Removed", &work.delete))
        (paths("There already and different: the restore refuses to start", &work.conflicts))
        (list("What to know before", work.advice.iter().map(String::as_str)))
    }
}

/// Who gets what.
fn nodes(nodes: &[NodeWork]) -> Markup {
    let columns = [
        Column("Node", false),
        Column("Gets", false),
        Column("To", false),
        Column("Made", true),
        Column("Replaced", true),
        Column("Written", true),
        Column("Free there", true),
    ];
    let row = |one: &NodeWork| {
        vec![
            html! { (one.node) },
            html! { (one.from) "/" (one.root) },
            html! { span.paths { (one.to.display()) } },
            html! { (count(one.create)) },
            html! { (count(one.replace)) },
            html! { (size(one.bytes)) },
            html! { (size(one.free)) },
        ]
    };
    let rows: Vec<Vec<Markup>> = nodes.iter().map(row).collect();
    table("Who gets what", &columns, &rows)
}

fn prune(work: &PruneWork) -> Markup {
    html! {
        h2 { "Goes" }
        ul.problems {
            @for one in work.decisions.iter().filter(|one| !one.keep).take(SHOWN) {
                li { code { (one.backup.short()) } " of " (one.group) ": " (one.reasons.join("; ")) }
            }
            @for one in &work.incomplete { li { code { (one.short()) } ": never came to its end" } }
        }
        h2 { "Stays" }
        ul.problems {
            @for one in work.decisions.iter().filter(|one| one.keep).take(SHOWN) {
                li { code { (one.backup.short()) } " of " (one.group) ": " (one.reasons.join("; ")) }
            }
        }
        p { "Frees " (size(work.free_bytes + work.repack_bytes)) " of the store." }
    }
}

fn paths(heading: &str, paths: &[std::path::PathBuf]) -> Markup {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    list(heading, shown.iter().map(String::as_str))
}

fn list<'a>(heading: &str, items: impl Iterator<Item = &'a str>) -> Markup {
    let items: Vec<&str> = items.collect();
    html! {
        @if !items.is_empty() {
            h2 { (heading) }
            ul { @for item in items.iter().take(SHOWN) { li { (code(item)) } } }
            @if items.len() > SHOWN { p.muted { "and " (items.len() - SHOWN) " more" } }
        }
    }
}
