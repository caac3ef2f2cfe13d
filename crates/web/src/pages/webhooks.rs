//! Webhooks: who is told what, and whether they took it.

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use ostler_api::webhook::{Delivery, WebhookAnswer, WebhookCall, WebhookSummary};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::frame::{Tone, badge, encoded, form_token, nothing, page, when};
use super::table::{Column, table};
use super::{Page, sent_by};
use crate::access::{Identity, Role};
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

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let WebhookAnswer::List(list) = web.client(&identity).webhook(WebhookCall::List).await? else {
        return Err(Failure::new(ErrorKind::Internal, "the list of webhooks is something else").into());
    };
    let now = web.now();
    let rows: Vec<Vec<Markup>> = list.webhooks.iter().map(|one| row(&identity, one, now)).collect();
    let body = match rows.is_empty() {
        true => nothing(
            "Nobody is told when something fails.",
            &html! { "Tell a chat or a program: " code { "ostler webhook add NAME --url env:VARIABLE" } "." },
        ),
        false => table("Webhooks", COLUMNS, &rows),
    };
    Ok(page(&identity, "/webhooks", "Webhooks", body))
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
