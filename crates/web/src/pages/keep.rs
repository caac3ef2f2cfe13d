//! Keep rules of backups, as fields and in words.

use maud::{Markup, html};
use ostler_api::request::Keep;

use super::form::{Typed, field};

/// How many of which are kept: the field, its label, and the rule.
type Rule = (&'static str, &'static str, fn(&mut Keep) -> &mut Option<u32>);

const RULES: [Rule; 6] = [
    ("keep_last", "The newest", |keep| &mut keep.last),
    ("keep_hourly", "Hours", |keep| &mut keep.hourly),
    ("keep_daily", "Days", |keep| &mut keep.daily),
    ("keep_weekly", "Weeks", |keep| &mut keep.weekly),
    ("keep_monthly", "Months", |keep| &mut keep.monthly),
    ("keep_yearly", "Years", |keep| &mut keep.yearly),
];

/// The fields of keep rules.
pub(super) fn fields(typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "Keep" }
            p.help { "A backup stays when any rule keeps it: the newest so many, and the newest of each of so many hours, days, … that have one. Without a rule everything stays." }
            div.fields {
                @for (name, label, _) in RULES { (typed.line(field(name, label, ""))) }
            }
            div.fields {
                (typed.line(field("keep_within", "Younger than", "Such as `7d` or `1y6mo`.")))
                (typed.line(field("min_keep", "At least", "So many good ones of a group stay, whatever the rules say; 1 if empty.")))
                (typed.line(field("max_delete_ratio", "Share at most", "From 0 to 1: a plan that deletes more of the good ones is refused.")))
            }
        }
    }
}

/// The rules that were typed.
pub(super) fn read(typed: &mut Typed) -> Keep {
    let mut keep = Keep::default();
    for (name, _, rule) in RULES {
        *rule(&mut keep) = typed.count(name);
    }
    keep.within = typed.read("keep_within");
    keep.min_keep = typed.count("min_keep");
    keep.max_delete_ratio = typed.share("max_delete_ratio");
    keep
}

/// The same where there has to be a rule.
pub(super) fn wished(typed: &mut Typed) -> Keep {
    let keep = read(typed);
    if typed.is_right() && keep == Keep::default() {
        typed.wrong(
            "keep_last",
            "name at least one rule: without any, everything stays",
        );
    }
    keep
}

/// What stands in the fields for these rules.
pub(super) fn typed(keep: &Keep) -> Vec<(&'static str, String)> {
    let mut keep = keep.clone();
    let mut values = Vec::new();
    for (name, _, rule) in RULES {
        values.extend(rule(&mut keep).map(|number| (name, number.to_string())));
    }
    values.extend(keep.within.map(|within| ("keep_within", within.to_string())));
    values.extend(keep.min_keep.map(|number| ("min_keep", number.to_string())));
    values.extend(
        keep.max_delete_ratio
            .map(|ratio| ("max_delete_ratio", ratio.to_string())),
    );
    values
}

/// The rules in words.
pub(super) fn words(keep: &Keep) -> String {
    let mut rules = Vec::new();
    for (number, noun) in [
        (keep.last, "newest"),
        (keep.hourly, "hourly"),
        (keep.daily, "daily"),
        (keep.weekly, "weekly"),
        (keep.monthly, "monthly"),
        (keep.yearly, "yearly"),
    ] {
        rules.extend(number.map(|number| format!("{number} {noun}")));
    }
    rules.extend(keep.within.map(|within| format!("all younger than {within}")));
    rules.extend(
        keep.tags
            .iter()
            .map(|(key, value)| format!("all tagged {key}={value}")),
    );
    match rules.is_empty() {
        true => "everything".to_owned(),
        false => rules.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use ostler_api::request::Keep;

    use super::super::form::Typed;
    use super::{read, typed, words};

    #[test]
    fn rules_come_out_of_their_fields_as_they_went_in() {
        let keep = Keep {
            last: Some(3),
            daily: Some(7),
            yearly: Some(2),
            within: "36h".parse().ok(),
            min_keep: Some(2),
            max_delete_ratio: Some(0.5),
            ..Keep::default()
        };
        let mut form = Typed::with(typed(&keep));
        assert_eq!(read(&mut form), keep);
        assert!(form.is_right());
        assert_eq!(
            words(&keep),
            "3 newest, 7 daily, 2 yearly, all younger than 1d12h"
        );
        assert_eq!(words(&Keep::default()), "everything");
    }
}
