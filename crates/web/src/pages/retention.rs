//! How long what is kept: keep rules of backups, policies of tables, what would go by them and why.

mod backups;
mod form;
mod plan;
mod policies;

use axum::extract::{Extension, State};
use axum::response::Response;
use maud::{Markup, html};
use ostler_api::document::DatabaseList;
use ostler_api::queue::DatabaseChoice;
use ostler_api::retention::{DEFAULT_SCHEMA, PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_vocabulary::{ErrorKind, Failure};

use super::Page;
use super::form::Typed;
use super::frame::{encoded, page};
use super::keep;
use crate::access::Identity;
use crate::serve::Web;
use crate::v1::Pairs;
pub(super) use form::{add, change, new, one};
pub(super) use plan::{report, words, work};
pub(super) use policies::policies;

/// Stands in addresses for the only database, or that of the environment.
pub(super) const ONLY: &str = "-";

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    both(&web, &identity, &Typed::default()).await
}

/// The page again, with what is wrong with the keep rules that were typed.
pub(super) async fn again(
    web: &Web,
    identity: &Identity,
    form: &Pairs,
    failure: Failure,
) -> Result<Response, Failure> {
    let mut typed = Typed::of(form.clone());
    keep::wished(&mut typed);
    if typed.is_right() {
        typed.refuse(failure);
    }
    let page = both(web, identity, &typed).await;
    page.map(|page| typed.answer(page))
        .map_err(|fault| fault.into_failure())
}

async fn both(web: &Web, identity: &Identity, typed: &Typed) -> Page {
    let client = web.client(identity);
    let backups = backups::section(client.as_ref(), identity, typed).await?;
    let databases = match client.databases().await {
        Ok(list) => list,
        Err(failure) if failure.kind() == ErrorKind::Unsupported => DatabaseList::default(),
        Err(failure) => return Err(failure.into()),
    };
    let body = html! {
        (backups)
        (tables(&databases))
    };
    Ok(page(identity, "/retention", "Retention", body))
}

fn tables(list: &DatabaseList) -> Markup {
    html! {
        section aria-labelledby="tables" {
            h2 #tables { "Tables" }
            @if list.databases.is_empty() {
                p { "No database is in the configuration: " code { "[database.NAME]" } " with a " code { "dsn" } " names one, and its policies are here then." }
            } @else {
                p { "Policies say for how long the rows of tables are kept, and what becomes of those that are older." }
                ul.plain-list {
                    @for one in &list.databases {
                        li { a href={ "/retention/" (encoded(&one.name)) } { (one.name) } " " span.paths.muted { (one.address) } }
                    }
                }
            }
        }
    }
}

/// The database and the schema that an address means: `DATABASE:SCHEMA`, or `DATABASE` for the usual schema.
fn parts(place: &str) -> (&str, &str) {
    place.split_once(':').unwrap_or((place, DEFAULT_SCHEMA))
}

/// Where the policies are that an address means.
pub(super) fn place(address: &str) -> PolicyPlace {
    let (database, schema) = parts(address);
    PolicyPlace {
        database: DatabaseChoice {
            name: Some(database.to_owned()).filter(|name| name != ONLY),
            dsn: None,
        },
        schema: schema.to_owned(),
    }
}

async fn ask(
    web: &Web,
    identity: &Identity,
    database: &str,
    call: RetentionCall,
) -> Result<RetentionAnswer, Failure> {
    web.client(identity).retention(&place(database), call).await
}

fn foreign() -> Failure {
    Failure::new(ErrorKind::Internal, "the answer is not about policies")
}

/// The request that a form with a database and names of policies asks to be planned.
pub(super) fn wish(form: &Pairs) -> Result<ostler_api::Request, Failure> {
    let choice = ostler_api::retention::PolicyChoice {
        names: form.all("policy").map(str::to_owned).collect(),
        ..Default::default()
    };
    let place = place(form.one("database")?.unwrap_or(ONLY));
    Ok(ostler_api::Request::Retention(super::schedules::work::by_policy(
        place, choice,
    )))
}
