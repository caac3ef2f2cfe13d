//! Statements of files with places in them. Pure.

/// A statement of a file with its `{places}` filled, in one pass: what is filled in is not looked at again.
pub(crate) fn fill(template: &str, places: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template.trim_end();
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        text.push_str(before);
        let found = places.iter().find_map(|(name, value)| {
            let tail = after.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((*value, tail))
        });
        match found {
            Some((value, tail)) => {
                text.push_str(value);
                rest = tail;
            }
            // Braces of a literal.
            None => {
                text.push('{');
                rest = &after[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// The same with texts that were made for it.
pub(crate) fn filled(template: &str, places: &[(&str, String)]) -> String {
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    fill(template, &places)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let filled = fill("a {x} {y} {z} '{}'", &[("x", "{y}"), ("y", "{x}")]);
        assert_eq!(filled, "a {y} {x} {z} '{}'");
    }
}
