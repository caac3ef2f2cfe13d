//! A failure as a page.

use axum::Extension;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use ostler_vocabulary::Failure;

use super::frame;
use crate::problem::Problem;
use crate::witness::Why;

/// What a page is instead.
#[derive(Debug)]
pub(super) struct Fault(Problem);

impl Fault {
    /// What went wrong.
    pub fn into_failure(self) -> Failure {
        self.0.into_failure()
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self(failure.into())
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let failure = self.0.failure();
        let title = match failure.kind().as_str().replace('_', " ") {
            words if words.is_empty() => words,
            words => words[..1].to_uppercase() + &words[1..],
        };
        let page = frame::bare(&title, explained(failure));
        let why = Why::of(failure).map(Extension);
        (self.0.status(), why, page).into_response()
    }
}

/// What went wrong, why, and what to do.
pub(super) fn explained(failure: &Failure) -> Markup {
    let messages = failure.messages();
    html! {
        div.note.bad role="alert" {
            p { strong { (code(messages.first().map_or("it failed", String::as_str))) } }
            @if messages.len() > 1 {
                p { "Because:" }
                ul { @for cause in &messages[1..] { li { (code(cause)) } } }
            }
            @if let Some(hint) = failure.hint() { p.cure { "What to do: " (code(hint)) } }
        }
    }
}

/// A sentence with what is between backquotes as code.
pub(super) fn code(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
