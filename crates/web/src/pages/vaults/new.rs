//! Making a vault.

use axum::Form;
use axum::extract::{Extension, State};
use axum::response::Response;
use maud::{Markup, html};
use ostler_api::document::VaultInfo;
use ostler_api::vault::{Encryption, NewVault};

use super::super::form::{Typed, field, needed};
use super::super::frame::{facts, form_token, page};
use super::super::{Page, sent_by};
use super::warnings;
use crate::access::{Identity, Role};
use crate::serve::Web;
use crate::v1::Pairs;

/// What encrypts it, and in words.
const ENCRYPTIONS: [(&str, &str); 2] = [
    ("fastest", "Encrypted, with a key of its own"),
    ("none", "Not encrypted: whoever can read the store can read it"),
];

pub(in crate::pages) async fn ask(Extension(identity): Extension<Identity>) -> Page {
    Ok(form(&identity, &Typed::default()))
}

fn form(identity: &Identity, typed: &Typed) -> Response {
    let body: Markup = html! {
        (typed.faults())
        form.narrow.wide method="post" action="/vaults" {
            (form_token(identity))
            (typed.line(needed("name", "Name", "By which backups and schedules name it: letters, digits, `-`, `_` and `.`.")))
            (typed.line(field("location", "Where", "A directory of the server's machine in full, or `s3://bucket/prefix`, `azure://container/prefix`, `gs://bucket/prefix`, `sftp://user@host/directory`. Nothing where the configuration says so of this name already, which is where credentials and endpoints belong.")))
            (typed.choice("encryption", "Encryption", "", &ENCRYPTIONS))
            (typed.area(field("age", "Keys of age that open it, one a line (optional)", "Such as `age1…`. Then no key file is made, and the server needs an `age_identity` to open it again.")))
            button type="submit" { "Make the vault" }
        }
        p.muted { "Nothing that is there is replaced. Before anything is made the store is tried: what it lacks is said." }
    };
    page(identity, "/vaults", "New vault", body)
}

pub(in crate::pages) async fn make(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Form(sent): Form<Pairs>,
) -> Page {
    sent_by(&identity, &sent, Role::Admin)?;
    let mut typed = Typed::of(sent);
    let vault = NewVault {
        name: Some(typed.needed("name")),
        location: typed.text("location"),
        age_recipients: typed.lines("age"),
        encryption: match typed.text("encryption").as_deref() {
            Some("none") => Encryption::None,
            _ => Encryption::Fastest,
        },
    };
    if typed.is_right() {
        match web.client(&identity).make_vault(vault).await {
            Ok(info) => return Ok(made(&identity, &info)),
            Err(failure) => typed.refuse(failure),
        }
    }
    Ok(typed.answer(form(&identity, &typed)))
}

fn made(identity: &Identity, info: &VaultInfo) -> Response {
    let name = &info.summary.name;
    let body = html! {
        p { strong { (name) } " is made at " span.paths { (info.summary.location) } "." }
        (warnings(info))
        (facts(&[
            ("Encryption", html! { (info.encryption) }),
            ("Its key", html! { @match &info.key_file {
                Some(file) => span.paths { (file.display()) },
                None if info.encryption == "none" => "none: it is not encrypted",
                None => "protected for the keys of age that were named",
            } }),
        ]))
        @if info.key_file.is_some() {
            p { "On the server's machine " code { "ostler vault key sheet --vault " (name) } " prints a sheet by which it is opened when the machine is lost." }
        }
        div.actions {
            a.button href="/backups/new" { "Back something up" }
            a.button.quiet href="/vaults" { "All vaults" }
        }
    };
    page(identity, "/vaults", "Vault made", body)
}
