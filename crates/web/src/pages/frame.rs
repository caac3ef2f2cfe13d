//! What all pages have: head, navigation, foot; and small pieces.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use ostler_api::document::{BackupState, OperationState};
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::{ago, moment};

use crate::access::{Identity, Role};
use crate::v1::Method;

/// The pages in the navigation.
const PAGES: &[(&str, &str)] = &[
    ("/", "Overview"),
    ("/backups", "Backups"),
    ("/clusters", "Clusters"),
    ("/operations", "Operations"),
    ("/schedules", "Schedules"),
    ("/retention", "Retention"),
    ("/vaults", "Vaults"),
    ("/webhooks", "Webhooks"),
    ("/audit", "Audit"),
    ("/settings", "Settings"),
];

/// A page for who signed in. `here` is the path of its entry in the navigation.
pub(super) fn page(identity: &Identity, here: &str, title: &str, body: Markup) -> Response {
    let navigation = html! {
        nav aria-label="Pages" {
            ul {
                @for (path, name) in PAGES.iter().filter(|(path, _)| is_for(identity, path)) {
                    li { a href=(path) aria-current=[(*path == here).then_some("page")] { (name) } }
                }
            }
        }
        form.who method="post" action="/sign-out" {
            (form_token(identity))
            span {
                (identity.name)
                @if identity.name != identity.role.as_str() { " · " (identity.role) }
                @if !identity.scope.is_everything() { " · " (identity.scope) }
            }
            button.quiet type="submit" { "Sign out" }
        }
    };
    document(title, navigation, body)
}

/// Whether they may see the page.
fn is_for(identity: &Identity, page: &str) -> bool {
    let mut routes = super::routes().iter();
    let route = routes.find(|route| route.path == page && route.method == Method::Get);
    route
        .and_then(|route| route.needed)
        .is_none_or(|(role, reach)| identity.role >= role && identity.scope.covers(reach))
}

/// A page for anybody.
pub(super) fn bare(title: &str, body: Markup) -> Response {
    let navigation = html! { nav aria-label="Pages" { ul { li { a href="/" { "Overview" } } } } };
    document(title, navigation, body)
}

fn document(title: &str, navigation: Markup, body: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Ostler" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/live.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "Ostler" }
                    (navigation)
                }
                main #main tabindex="-1" {
                    h1 { (title) }
                    (body)
                }
                footer { "Ostler " (env!("CARGO_PKG_VERSION")) " · times are UTC" }
            }
        }
    };
    Html(page.into_string()).into_response()
}

/// The hidden field of every form.
pub(super) fn form_token(identity: &Identity) -> Markup {
    html! { input type="hidden" name="form_token" value=(identity.form_token.as_deref().unwrap_or_default()); }
}

/// Whether they may start something.
pub(super) fn operates(identity: &Identity) -> bool {
    identity.role >= Role::Operator
}

/// Whether they may back up files of the server.
pub(super) fn backs_up(identity: &Identity) -> bool {
    operates(identity) && identity.scope.is_everything()
}

/// A time as its distance, with the moment beside.
pub(super) fn when(now: Timestamp, then: Timestamp) -> Markup {
    html! { time datetime=(then) title=(moment(then)) { (ago(now, then)) } }
}

/// How good something is; the words say it, and the colour repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    Good,
    Plain,
    Doubtful,
    Bad,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Plain => "plain",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }

    /// A sign that does without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Plain => "•",
            Self::Doubtful => "!",
            Self::Bad => "✕",
        }
    }
}

/// A word with its tone.
pub(super) fn badge(tone: Tone, word: &str) -> Markup {
    html! {
        span class=(format!("badge {}", tone.class())) {
            span aria-hidden="true" { (tone.sign()) } " " (word)
        }
    }
}

pub(super) fn backup_tone(state: BackupState) -> Tone {
    match state {
        BackupState::Complete | BackupState::Verified => Tone::Good,
        BackupState::Running => Tone::Plain,
        BackupState::Incomplete | BackupState::Partial => Tone::Doubtful,
        BackupState::Damaged => Tone::Bad,
    }
}

pub(super) fn operation_tone(state: OperationState) -> Tone {
    match state {
        OperationState::Succeeded => Tone::Good,
        OperationState::Running | OperationState::Cancelled => Tone::Plain,
        OperationState::Interrupted | OperationState::Cancelling | OperationState::Partial => Tone::Doubtful,
        OperationState::Failed => Tone::Bad,
    }
}

/// A kind of operation in words: `create_backup` is `create backup`.
pub(super) fn kind_words(kind: &str) -> String {
    kind.replace('_', " ")
}

/// What a page says that has nothing to show: what that means, and the next step.
pub(super) fn nothing(what: &str, next: &Markup) -> Markup {
    html! { div.empty { p { strong { (what) } } p { (next) } } }
}

/// A part of a path in an address.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Names with their values.
pub(super) fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in pairs { div { dt { (name) } dd { (value) } } }
        }
    }
}
