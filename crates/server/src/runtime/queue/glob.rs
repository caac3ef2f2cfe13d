//! Names by patterns: `*` is any text, `?` any character.

use ostler_vocabulary::{ErrorKind, Failure};

/// Whether a name is meant.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut here) = (0, 0);
    // Where the last star was, and what it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while here < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some('?') => (at, here) = (at + 1, here + 1),
            Some(character) if *character == name[here] => (at, here) = (at + 1, here + 1),
            _ => match &mut star {
                Some((position, swallowed)) => {
                    *swallowed += 1;
                    (at, here) = (*position + 1, *swallowed);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

/// The names that are meant; no name is an error.
pub(super) fn select(
    what: &str,
    pattern: &str,
    names: impl IntoIterator<Item = String>,
) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = names.into_iter().collect();
    let meant: Vec<String> = names
        .iter()
        .filter(|name| matches(pattern, name))
        .cloned()
        .collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let failure = Failure::new(ErrorKind::NotFound, format!("no {what} is called `{pattern}`"));
    Err(match names.as_slice() {
        [] => failure.with_hint(format!("there is no {what} yet")),
        names => {
            let shown: Vec<&str> = names.iter().take(10).map(String::as_str).collect();
            let more = if names.len() > shown.len() { ", …" } else { "" };
            failure.with_hint(format!("there are: {}{more}", shown.join(", ")))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{matches, select};

    #[test]
    fn stars_and_question_marks_stand_for_what_they_should() {
        for (pattern, name, meant) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("?", "ü", true),
            ("??", "ü", false),
            ("*", "", true),
            ("", "", true),
            ("a.b", "axb", false),
        ] {
            assert_eq!(matches(pattern, name), meant, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_that_matches_nothing_names_what_there_is() {
        let failure = select("queue", "x*", ["a".to_owned()]).expect_err("nothing matches");
        assert_eq!(failure.hint(), Some("there are: a"));
    }
}
