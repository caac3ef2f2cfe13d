//! Forms: what was typed, what is wrong with it and where, and the fields that show both.

use std::fmt::Display;
use std::str::FromStr;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};
use ostler_vocabulary::{ErrorKind, Failure};

use super::fault::{code, explained};
use crate::problem;
use crate::v1::Pairs;

/// A form as it was typed. What is read out of it and cannot be is remembered with its field.
#[derive(Debug, Default)]
pub(super) struct Typed {
    values: Pairs,
    wrong: Vec<(String, String)>,
    failure: Option<Failure>,
}

/// A field of one line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub name: &'a str,
    pub label: &'a str,
    /// What stands below it; between backquotes is code. Nothing when empty.
    pub help: &'a str,
    pub required: bool,
}

/// A field that may be left empty.
pub(super) const fn field<'a>(name: &'a str, label: &'a str, help: &'a str) -> Field<'a> {
    Field {
        name,
        label,
        help,
        required: false,
    }
}

/// A field that may not.
pub(super) const fn needed<'a>(name: &'a str, label: &'a str, help: &'a str) -> Field<'a> {
    Field {
        required: true,
        ..field(name, label, help)
    }
}

impl Typed {
    /// What was sent.
    pub fn of(values: Pairs) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// What stands in the fields at first.
    pub fn with<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self::of(Pairs(values.collect()))
    }

    fn value(&self, name: &str) -> &str {
        self.values
            .0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// What stands in a field, if anything does.
    pub fn text(&self, name: &str) -> Option<String> {
        Some(self.value(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// What stands in a field that may not be empty.
    pub fn needed(&mut self, name: &str) -> String {
        let text = self.text(name);
        if text.is_none() {
            self.wrong(name, "this is needed");
        }
        text.unwrap_or_default()
    }

    /// What a field means.
    pub fn read<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// A number from 1 on.
    pub fn count(&mut self, name: &str) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.wrong(name, format!("`{text}` is no number from 1 on"));
        }
        number
    }

    /// A share from 0 to 1.
    pub fn share(&mut self, name: &str) -> Option<f64> {
        let text = self.text(name)?;
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            self.wrong(name, format!("`{text}` is no share from 0 to 1"));
        }
        share
    }

    /// The lines of a field, or of several of one name.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.values.all(name).flat_map(str::lines).map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// What is between the commas of a field.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.value(name).split(',').map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, name: &str, value: &str) -> bool {
        self.values.all(name).any(|sent| sent == value)
    }

    /// Says what is wrong with a field.
    pub fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.wrong.push((name.to_owned(), message.into()));
    }

    /// Whether nothing is wrong yet.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty() && self.failure.is_none()
    }

    /// The first thing that is wrong, as a failure.
    pub fn checked(self) -> Result<(), Failure> {
        match self.wrong.into_iter().next() {
            Some((field, message)) => Err(Failure::new(ErrorKind::Invalid, format!("{field}: {message}"))),
            None => self.failure.map_or(Ok(()), Err),
        }
    }

    /// It was refused. A failure that quotes or names what stands in a field is about that field, the last one first; others
    /// are about the whole.
    pub fn refuse(&mut self, failure: Failure) {
        let messages = failure.messages();
        let quoted: Vec<&str> = messages
            .iter()
            .flat_map(|message| message.split('`').skip(1).step_by(2))
            .collect();
        let named = |text: &str| {
            let is_it = |(key, value): &&(String, String)| key != "form_token" && value.trim() == text;
            self.values.0.iter().find(is_it).map(|(key, _)| key.clone())
        };
        // Many messages begin with the name of what they are about; only some of them are about the name.
        let about_name = failure.kind() == ErrorKind::AlreadyExists || quoted.len() == 1;
        let is_about_it = about_name && !messages.iter().any(|message| message.contains(": "));
        let by_quote = quoted
            .iter()
            .rev()
            .filter(|text| !text.is_empty())
            .find_map(|text| named(text).filter(|key| key != "name" || is_about_it));
        // Not every message quotes; words that are as short as `at` mean too much.
        let words = messages
            .iter()
            .flat_map(|message| message.split_whitespace().rev());
        let by_word = || {
            words
                .filter(|word| word.len() > 2 && quoted.is_empty())
                .find_map(|word| named(word).filter(|key| key != "name"))
        };
        let field = by_quote.or_else(by_word);
        match field {
            Some(field) => {
                let mut text = messages.join(": ");
                if let Some(hint) = failure.hint() {
                    text.push_str(&format!(" ({hint})"));
                }
                self.wrong(&field, text);
            }
            None => self.failure = Some(failure),
        }
    }

    /// The page with the form, as an answer that says that nothing was done.
    pub fn answer(&self, page: Response) -> Response {
        let status = match &self.failure {
            Some(failure) => problem::status(failure.kind()),
            None => StatusCode::BAD_REQUEST,
        };
        (status, page).into_response()
    }

    /// What is wrong, above the fields, with ways to them.
    pub fn faults(&self) -> Markup {
        html! {
            @if let Some(failure) = &self.failure { (explained(failure)) }
            @if !self.wrong.is_empty() {
                div.note.bad role="alert" {
                    p { strong { "Nothing was done yet: look at what is marked." } }
                    ul { @for (name, message) in &self.wrong { li { a href={ "#" (name) } { (code(message)) } } } }
                }
            }
        }
    }

    fn fault(&self, name: &str) -> Option<&str> {
        let mut wrong = self.wrong.iter();
        wrong
            .find(|(field, _)| field == name)
            .map(|(_, message)| message.as_str())
    }

    fn described(&self, name: &str, help: &str) -> Option<String> {
        let parts = [(!help.is_empty(), "help"), (self.fault(name).is_some(), "wrong")];
        let ids: Vec<String> = parts
            .iter()
            .filter(|(is_there, _)| *is_there)
            .map(|(_, what)| format!("{name}-{what}"))
            .collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn below(&self, name: &str, help: &str) -> Markup {
        html! {
            @if !help.is_empty() { p.help id={ (name) "-help" } { (code(help)) } }
            @if let Some(message) = self.fault(name) {
                p.wrong id={ (name) "-wrong" } { span aria-hidden="true" { "✕ " } (code(message)) }
            }
        }
    }

    /// What is typed or chosen, below its name; below it help and what is wrong.
    fn labelled(&self, name: &str, label: &str, help: &str, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(name) { (label) }
                (control)
                (self.below(name, help))
            }
        }
    }

    /// A field of one line.
    pub fn line(&self, field: Field<'_>) -> Markup {
        let (name, help) = (field.name, field.help);
        let control = html! {
            input id=(name) name=(name) type="text" value=(self.value(name)) required[field.required]
                autocapitalize="none" autocomplete="off" spellcheck="false"
                aria-invalid=[self.fault(name).map(|_| "true")] aria-describedby=[self.described(name, help)];
        };
        self.labelled(name, field.label, help, &control)
    }

    /// A field of several lines.
    pub fn area(&self, field: Field<'_>) -> Markup {
        let (name, help) = (field.name, field.help);
        let control = html! {
            textarea id=(name) name=(name) rows="3" required[field.required] spellcheck="false"
                aria-invalid=[self.fault(name).map(|_| "true")] aria-describedby=[self.described(name, help)]
                { (self.lines(name).join("\n")) }
        };
        self.labelled(name, field.label, help, &control)
    }

    /// A choice of one. Each is a value with what is shown for it.
    pub fn choice(&self, name: &str, label: &str, help: &str, options: &[(&str, &str)]) -> Markup {
        let control = html! {
            select id=(name) name=(name) aria-invalid=[self.fault(name).map(|_| "true")]
                aria-describedby=[self.described(name, help)] {
                @for (value, shown) in options {
                    option value=(value) selected[*value == self.value(name)] { (shown) }
                }
            }
        };
        self.labelled(name, label, help, &control)
    }

    /// A choice of several.
    pub fn several(&self, name: &str, legend: &str, options: &[(&str, &str)]) -> Markup {
        html! {
            fieldset id=(name) tabindex="-1" aria-describedby=[self.described(name, "")] {
                legend { (legend) }
                @for (value, shown) in options {
                    label.tick {
                        input type="checkbox" name=(name) value=(value) checked[self.is_ticked(name, value)];
                        span { (shown) }
                    }
                }
                (self.below(name, ""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::{ErrorKind, Failure};

    use super::Typed;

    fn typed() -> Typed {
        Typed::with([
            ("form_token", "x".to_owned()),
            ("name", "nightly".to_owned()),
            ("time", "61 * * * *".to_owned()),
            ("column", "nightly_at".to_owned()),
        ])
    }

    #[test]
    fn a_failure_is_shown_at_the_field_that_it_quotes() {
        for (kind, message, field) in [
            (
                ErrorKind::Invalid,
                "`61 * * * *` is not a cron expression: 61",
                Some("time"),
            ),
            (
                ErrorKind::AlreadyExists,
                "there is a schedule `nightly` already",
                Some("name"),
            ),
            (
                ErrorKind::Invalid,
                "`nightly` cannot be the name of a schedule",
                Some("name"),
            ),
            // What begins with the name is about something else.
            (
                ErrorKind::Invalid,
                "schedule `nightly`: the end is before the start",
                None,
            ),
            (
                ErrorKind::Invalid,
                "schedule `nightly`: not `61 * * * *`",
                Some("time"),
            ),
            (ErrorKind::Denied, "`x` is a viewer", None),
            (
                ErrorKind::NotFound,
                "public.events has no column nightly_at",
                Some("column"),
            ),
        ] {
            let mut typed = typed();
            typed.refuse(Failure::new(kind, message));
            let at = typed.wrong.first().map(|(field, _)| field.as_str());
            assert_eq!(at, field, "{message}");
            assert_eq!(typed.failure.is_none(), field.is_some(), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_at_its_field() {
        let mut typed = Typed::with([("count", "0".to_owned()), ("share", "1.5".to_owned())]);
        assert_eq!(typed.count("count"), None);
        assert_eq!(typed.share("share"), None);
        assert_eq!(typed.needed("name"), "");
        let fields: Vec<&str> = typed.wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["count", "share", "name"]);
        assert_eq!((typed.count("other"), typed.is_right()), (None, false));
    }
}
