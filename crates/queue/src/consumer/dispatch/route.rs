//! Rules that say where an event goes.

use std::str::FromStr;

use ostler_vocabulary::{Classified, ErrorKind};

use crate::consumer::Event;

/// Where an event goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Into this queue, as a new event with the same type, payload and extra fields.
    Queue(String),
    /// Into this table, as the change of a row that it is.
    Table(String),
    /// Nowhere.
    Drop,
}

/// One rule: a condition and a destination.
///
/// As text: `FIELD=PATTERN -> queue:NAME`, `-> table:NAME` or `-> drop`. `FIELD` is `ev_type`, `ev_data` or one of
/// `ev_extra1` to `ev_extra4`; `PATTERN` may hold `*` and `?`. A lone `*` before the arrow holds for every event. In
/// `NAME`, `{ev_extra1}` and the like stand for the event's field, and `{table}` for `ev_extra1` without its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    condition: Option<(String, String)>,
    to: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Queue(String),
    Table(String),
    Drop,
}

/// Rules in order; the first that holds decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules(Vec<Rule>);

/// What is wrong with a rule or with an event for it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RouteError {
    /// The text is no rule.
    #[error("`{text}` is no rule: {reason}")]
    Rule {
        /// The rule.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// No rule holds.
    #[error("no rule says where event {ev_id} goes (type `{ev_type}`)")]
    NoRule {
        /// The event.
        ev_id: i64,
        /// Its type.
        ev_type: String,
    },
    /// The name of the destination needs a field that the event does not have.
    #[error("event {ev_id} has no {field}, which names its destination")]
    NoField {
        /// The event.
        ev_id: i64,
        /// The field.
        field: String,
    },
}

impl Classified for RouteError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Rule { .. } => Some("write it as `ev_type=order.* -> queue:orders`".to_owned()),
            Self::NoRule { .. } => Some("a last rule `* -> drop` leaves out the rest".to_owned()),
            Self::NoField { .. } => None,
        }
    }
}

const FIELDS: [&str; 6] = [
    "ev_type",
    "ev_data",
    "ev_extra1",
    "ev_extra2",
    "ev_extra3",
    "ev_extra4",
];

impl FromStr for Rule {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let wrong = |reason| RouteError::Rule {
            text: text.to_owned(),
            reason,
        };
        let (condition, to) = text.split_once("->").ok_or_else(|| wrong("it has no `->`"))?;
        let condition = match condition.trim() {
            "*" => None,
            condition => {
                let (field, pattern) = condition
                    .split_once('=')
                    .ok_or_else(|| wrong("before `->` stands neither `*` nor FIELD=PATTERN"))?;
                let field = field.trim();
                if !FIELDS.contains(&field) {
                    return Err(wrong("a field is ev_type, ev_data or ev_extra1 to ev_extra4"));
                }
                Some((field.to_owned(), pattern.trim().to_owned()))
            }
        };
        let to = match to.trim().split_once(':') {
            None if to.trim() == "drop" => Target::Drop,
            Some(("queue", name)) if !name.is_empty() => Target::Queue(name.to_owned()),
            Some(("table", name)) if !name.is_empty() => Target::Table(name.to_owned()),
            _ => return Err(wrong("after `->` stands neither queue:NAME, table:NAME nor drop")),
        };
        if let Target::Queue(name) | Target::Table(name) = &to {
            check_template(name).map_err(wrong)?;
        }
        Ok(Self { condition, to })
    }
}

impl Rule {
    /// Every event into queues with names by this template.
    ///
    /// # Errors
    /// When the template names a field that there is not.
    pub fn all_to_queue(template: &str) -> Result<Self, RouteError> {
        format!("* -> queue:{template}").parse()
    }

    /// Every event into tables with names by this template.
    ///
    /// # Errors
    /// When the template names a field that there is not.
    pub fn all_to_table(template: &str) -> Result<Self, RouteError> {
        format!("* -> table:{template}").parse()
    }

    /// Whether events go into tables by it.
    #[must_use]
    pub fn is_to_table(&self) -> bool {
        matches!(self.to, Target::Table(_))
    }

    fn holds(&self, event: &Event) -> bool {
        self.condition
            .as_ref()
            .is_none_or(|(field, pattern)| event.field(field).is_some_and(|text| matches(pattern, text)))
    }
}

impl Rules {
    /// These rules, in this order.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    /// Where an event goes.
    ///
    /// # Errors
    /// When no rule holds, or the name of the destination needs a field that is not there.
    pub fn destination(&self, event: &Event) -> Result<Destination, RouteError> {
        let rule = self
            .0
            .iter()
            .find(|rule| rule.holds(event))
            .ok_or_else(|| RouteError::NoRule {
                ev_id: event.ev_id,
                ev_type: event.ev_type.clone().unwrap_or_default(),
            })?;
        Ok(match &rule.to {
            Target::Queue(name) => Destination::Queue(fill(name, event)?),
            Target::Table(name) => Destination::Table(fill(name, event)?),
            Target::Drop => Destination::Drop,
        })
    }
}

fn check_template(name: &str) -> Result<(), &'static str> {
    let mut rest = name;
    while let Some((_, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}').ok_or("a `{` in the name is not closed")?;
        if field != "table" && !FIELDS.contains(&field) {
            return Err("between `{` and `}` stands no field");
        }
        rest = after;
    }
    Ok(())
}

fn fill(name: &str, event: &Event) -> Result<String, RouteError> {
    let mut filled = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}').unwrap_or((after, ""));
        let value = match field {
            "table" => event
                .field("ev_extra1")
                .map(|table| table.split_once('.').map_or(table, |(_, name)| name)),
            field => event.field(field),
        };
        let value = value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| RouteError::NoField {
                ev_id: event.ev_id,
                field: field.to_owned(),
            })?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// `*` is any text, `?` one character. Time is bounded by the product of the lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(one) if *one == '?' || *one == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::{Destination, Event, RouteError, Rule, Rules, matches};

    fn event(ev_type: &str, table: Option<&str>) -> Event {
        Event {
            ev_id: 9,
            ev_time: ostler_vocabulary::Timestamp::UNIX_EPOCH,
            ev_txid: 1,
            ev_retry: None,
            ev_type: Some(ev_type.to_owned()),
            ev_data: None,
            ev_extra1: table.map(str::to_owned),
            ev_extra2: None,
            ev_extra3: None,
            ev_extra4: None,
        }
    }

    fn rules(texts: &[&str]) -> Rules {
        Rules::new(texts.iter().map(|text| text.parse().expect("a rule")).collect())
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let rules = rules(&[
            "ev_extra1=public.audit_* -> drop",
            "ev_type = D:* -> queue:deletes",
            "ev_extra1=public.* -> table:copy.{table}",
            "* -> queue:rest_{ev_extra1}",
        ]);
        let to = |ev_type: &str, table: &str| rules.destination(&event(ev_type, Some(table)));
        assert_eq!(to("D:id", "public.audit_x"), Ok(Destination::Drop));
        assert_eq!(
            to("D:id", "public.orders"),
            Ok(Destination::Queue("deletes".to_owned()))
        );
        assert_eq!(
            to("I:id", "public.orders"),
            Ok(Destination::Table("copy.orders".to_owned()))
        );
        assert_eq!(to("I:id", "x"), Ok(Destination::Queue("rest_x".to_owned())));
    }

    #[test]
    fn an_event_without_a_destination_is_an_error() {
        let some = rules(&["ev_type=a -> drop"]);
        assert!(matches!(
            some.destination(&event("b", None)),
            Err(RouteError::NoRule { ev_id: 9, .. })
        ));
        let by_field = rules(&["* -> queue:{ev_extra1}"]);
        for table in [None, Some("")] {
            assert!(matches!(
                by_field.destination(&event("b", table)),
                Err(RouteError::NoField { .. })
            ));
        }
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for text in [
            "",
            "ev_type=a",
            "ev_tipe=a -> drop",
            "* -> nowhere",
            "* -> queue:",
            "* -> queue:{x}",
            "* -> queue:{ev_type",
            "a -> drop",
        ] {
            let error = text.parse::<Rule>().expect_err(text);
            assert!(matches!(error, RouteError::Rule { .. }), "{text}");
        }
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("*a*", "bab"),
            ("", ""),
            ("**", "x"),
            ("é?", "éx"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", ""), ("a*c", "abbd"), ("a?c", "ac"), ("", "x"), ("a", "ab")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        let long = "a".repeat(5_000);
        assert!(!matches(&"a*".repeat(50), &format!("b{long}")));
    }
}
