//! Webhooks: who is told what, whether they took it, and what changes that.

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use ostler_api::schedule::Push;
use ostler_api::webhook::{
    Delivery, HookDefinition, HookEvent, HookFormat, SigningSecret, WebhookAnswer, WebhookCall,
    WebhookSummary,
};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::form::{Typed, needed};
use super::frame::{Tone, badge, encoded, form_token, nothing, page, when};
use super::table::{Column, table};
use super::{Page, sent_by};
use crate::access::{Identity, Role, new_signing_secret};
use crate::serve::Web;
use crate::v1::Pairs;

const COLUMNS: &[Column] = &[
    Column("Webhook", false),
    Column("Is told", false),
    Column("Last message", false),
    Column("Waiting", true),
    Column("Given up", true),
    Column("Do", false),
];

/// What is sent, and to what.
const FORMATS: [(&str, &str); 2] = [
    ("full", "Everything, for programs"),
    ("chat", "A line of text, as chats take it"),
];

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let usual = HookEvent::DEFAULT.map(|event| ("on", event.as_str().to_owned()));
    asked(&web, &identity, &Typed::with(usual)).await
}

async fn asked(web: &Web, identity: &Identity, typed: &Typed) -> Page {
    let WebhookAnswer::List(list) = web.client(identity).webhook(WebhookCall::List).await? else {
        return Err(Failure::new(ErrorKind::Internal, "the list of webhooks is something else").into());
    };
    let now = web.now();
    let rows: Vec<Vec<Markup>> = list.webhooks.iter().map(|one| row(identity, one, now)).collect();
    let body = html! {
        @if rows.is_empty() {
            (nothing("Nobody is told when something fails.", &html! { "Tell a chat or a program, here or by " code { "ostler webhook add NAME URL" } "." }))
        } @else { (table("Webhooks", COLUMNS, &rows)) }
        @if identity.role >= Role::Admin {
            details open[rows.is_empty() || !typed.is_right()] {
                summary { "Add a webhook" }
                (form(identity, typed))
            }
        }
    };
    Ok(page(identity, "/webhooks", "Webhooks", body))
}

fn form(identity: &Identity, typed: &Typed) -> Markup {
    let events = HookEvent::ALL.map(|event| (event.as_str(), event.about()));
    html! {
        (typed.faults())
        form.narrow.wide method="post" action="/webhooks" {
            (form_token(identity))
            (typed.line(needed("name", "Name", "By which it is listed.")))
            (typed.line(needed("url", "Where it is told", "A URL; or `env:NAME` or `file:PATH`, where the server finds the URL when that is a secret.")))
            (typed.several("on", "What it is told", &events))
            (typed.choice("format", "How", "", &FORMATS))
            button type="submit" { "Add the webhook" }
        }
    }
}

pub(super) async fn add(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Form(sent): Form<Pairs>,
) -> Page {
    sent_by(&identity, &sent, Role::Admin)?;
    let mut typed = Typed::of(sent);
    let (name, url) = (typed.needed("name"), typed.needed("url"));
    let on: Vec<HookEvent> = HookEvent::ALL
        .into_iter()
        .filter(|event| typed.is_ticked("on", event.as_str()))
        .collect();
    if on.is_empty() {
        typed.wrong("on", "it has to be told something");
    }
    if typed.is_right() {
        let secret = new_signing_secret()?;
        let call = WebhookCall::Add {
            name,
            definition: HookDefinition {
                address: Push::of(url),
                on,
                format: match typed.text("format").as_deref() {
                    Some("chat") => HookFormat::Chat,
                    _ => HookFormat::Full,
                },
            },
            secret: secret.clone(),
        };
        match web.client(&identity).webhook(call).await {
            Ok(WebhookAnswer::Changed(change)) => {
                return Ok(added(&identity, &change.webhook, &change.notes, &secret));
            }
            Ok(_) => {
                return Err(Failure::new(ErrorKind::Internal, "the answer is not about a webhook").into());
            }
            Err(failure) => typed.refuse(failure),
        }
    }
    Ok(typed.answer(asked(&web, &identity, &typed).await?))
}

/// The secret is shown in this answer and never again.
fn added(
    identity: &Identity,
    webhook: &WebhookSummary,
    notes: &[String],
    secret: &SigningSecret,
) -> Response {
    let body = html! {
        p { strong { (webhook.name) } " is told at " (webhook.address) "." }
        @for note in notes { div.note.doubtful { p { (note) } } }
        p { "Its messages are signed with this secret, by which the receiver knows them. It is shown now and never again:" }
        pre tabindex="0" aria-label="The secret" { (secret.reveal()) }
        p { a.button href="/webhooks" { "I have kept it" } }
    };
    page(identity, "/webhooks", "Webhook added", body)
}

fn row(identity: &Identity, one: &WebhookSummary, now: Timestamp) -> Vec<Markup> {
    let on: Vec<&str> = one.on.iter().map(|event| event.as_str()).collect();
    let button = |verb: &str, words: &str| {
        html! {
            form method="post" action={ "/webhooks/" (encoded(&one.name)) "/" (verb) } {
                (form_token(identity))
                button.quiet type="submit" aria-label={ (words) " " (one.name) } { (words) }
            }
        }
    };
    vec![
        html! { strong { (one.name) } p.reason { (one.address) } },
        html! { (on.join(", ")) },
        one.last
            .as_ref()
            .map_or_else(|| html! { "none yet" }, |last| message(last, now)),
        html! { (one.pending) },
        html! { (one.given_up) },
        html! { @if identity.role >= Role::Admin { (button("test", "Test")) (button("remove", "Remove")) } },
    ]
}

fn message(delivery: &Delivery, now: Timestamp) -> Markup {
    let (tone, word) = match (delivery.delivered, delivery.next) {
        (Some(_), _) => (Tone::Good, "taken"),
        (None, Some(_)) if delivery.attempts == 0 => (Tone::Plain, "waits"),
        (None, Some(_)) => (Tone::Doubtful, "not taken yet"),
        (None, None) => (Tone::Bad, "given up"),
    };
    html! {
        (badge(tone, word)) " " (delivery.event.as_str()) " · " (delivery.subject) " "
        (when(now, delivery.created))
        @if let Some(failure) = &delivery.failure { p.reason { (failure) } }
    }
}

pub(super) async fn change(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((name, verb)): Path<(String, String)>,
    Form(form): Form<Pairs>,
) -> Page {
    let call = match verb.as_str() {
        "test" => WebhookCall::Test { name },
        "remove" => WebhookCall::Remove { name },
        _ => {
            let message = format!("a webhook cannot be told to {verb}");
            return Err(Failure::new(ErrorKind::NotFound, message).into());
        }
    };
    sent_by(&identity, &form, Role::needed_for_webhook(&call))?;
    web.client(&identity).webhook(call).await?;
    Ok(Redirect::to("/webhooks").into_response())
}
