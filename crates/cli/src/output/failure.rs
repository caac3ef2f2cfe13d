//! Errors as text and as documents.

use ostler_api::document::ErrorDocument;
use ostler_vocabulary::Failure;

use super::{printable, schema};

/// `error: …`, causes indented, a blank line, `hint: …`.
pub(super) fn for_people(failure: &Failure, colour: bool) -> String {
    let (red, cyan, plain) = if colour {
        ("\u{1b}[1;31m", "\u{1b}[36m", "\u{1b}[0m")
    } else {
        ("", "", "")
    };
    let mut messages = failure.messages().into_iter();
    let mut text = format!(
        "{red}error:{plain} {}\n",
        printable(&messages.next().unwrap_or_default())
    );
    for cause in messages {
        text.push_str(&format!("  {}\n", printable(&cause)));
    }
    if let Some(hint) = failure.hint() {
        text.push_str(&format!("\n{cyan}hint:{plain} {}\n", printable(hint)));
    }
    text
}

/// One line of JSON.
pub(super) fn for_programs(failure: &Failure) -> String {
    let mut messages = failure.messages().into_iter();
    let document = ErrorDocument {
        kind: failure.kind(),
        exit_code: failure.kind().exit_code().code(),
        error: messages.next().unwrap_or_default(),
        causes: messages.collect(),
        hint: failure.hint().map(str::to_owned),
    };
    match schema::ERROR.wrap(&document) {
        Ok(value) => format!("{value}\n"),
        Err(_) => for_people(failure, false),
    }
}
