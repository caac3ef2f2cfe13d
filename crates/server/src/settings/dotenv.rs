//! The `.env` file of the working directory.
//!
//! One `NAME=value` a line; `export ` before it is allowed, `#` starts a comment at the start of a line or after a
//! blank. Values may stand in double quotes (with `\n`, `\t`, `\"`, `\\`) or single quotes (as they are). Nothing
//! is expanded and no command is run. What the process's environment has wins over the file.

use std::collections::BTreeMap;

/// A line that is not of that form, with its number.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// From 1.
    pub line: usize,
    /// What is wrong, never with the value.
    pub reason: &'static str,
}

/// Reads the file's text; a later line of the same name wins.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, Wrong> {
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |reason| Wrong {
            line: number + 1,
            reason,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
        let name = name.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
            return Err(wrong("what stands before `=` is not a variable's name"));
        }
        values.insert(name.to_owned(), unquoted(value.trim()).map_err(wrong)?);
    }
    Ok(values)
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    let mut chars = value.chars();
    let Some(quote @ ('"' | '\'')) = chars.next() else {
        let end = value
            .char_indices()
            .find(|(at, c)| *c == '#' && value[..*at].ends_with([' ', '\t']))
            .map_or(value.len(), |(at, _)| at);
        return Ok(value[..end].trim_end().to_owned());
    };
    let mut text = String::new();
    loop {
        match chars.next().ok_or("a quote is not closed")? {
            c if c == quote => break,
            '\\' if quote == '"' => match chars.next().ok_or("a quote is not closed")? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                c @ ('"' | '\\' | '$') => text.push(c),
                c => text.extend(['\\', c]),
            },
            c => text.push(c),
        }
    }
    let rest = chars.as_str().trim();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(text)
    } else {
        Err("something follows the closing quote")
    }
}

#[cfg(test)]
mod tests {
    use super::{Wrong, parse};

    #[test]
    fn lines_are_read_as_documented() {
        let text = "\n# all of it\nA=1\nexport B = two words # said\nC=\"a\\nb # \\\"c\\\"\"\nD='$HOME \\n'\nE=\nA=2\nF=x#y\n";
        let values = parse(text).unwrap();
        for (name, value) in [
            ("A", "2"),
            ("B", "two words"),
            ("C", "a\nb # \"c\""),
            ("D", "$HOME \\n"),
            ("E", ""),
            ("F", "x#y"),
        ] {
            assert_eq!(values[name], value, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in [
            ("A=1\nnonsense", 2),
            ("1A=2", 1),
            ("A='x", 1),
            ("A=\"x\\", 1),
            ("A='x' y", 1),
            ("=x", 1),
        ] {
            assert!(
                matches!(parse(text), Err(Wrong { line: l, .. }) if l == line),
                "{text}"
            );
        }
    }
}
