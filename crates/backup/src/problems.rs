//! Lists of problems that fit into a journaled step, and paths as text.

use ostler_api::document::Problem;

/// How many problems a report names.
pub const MOST: usize = 1000;
/// How many bytes of them a step's result has room for: a result is at most 64 KiB of JSON.
const ROOM: usize = 40 * 1024;

/// The first problems, as many as a report names and a step's result has room for.
#[must_use]
pub fn bounded(problems: Vec<Problem>) -> Vec<Problem> {
    let mut room = ROOM;
    problems
        .into_iter()
        .take(MOST)
        .take_while(|problem| {
            // Escapes can double a text; the rest is punctuation.
            let size = 2 * (problem.path.len() + problem.reason.len()) + 32;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        })
        .collect()
}

/// As the vault's records hold them.
pub(crate) fn stored(problems: &[Problem]) -> Vec<(String, String)> {
    problems
        .iter()
        .map(|p| (p.path.clone(), p.reason.clone()))
        .collect()
}

/// As documents show them.
#[must_use]
pub fn shown(problems: &[(String, String)]) -> Vec<Problem> {
    problems
        .iter()
        .map(|(path, reason)| Problem {
            path: path.clone(),
            reason: reason.clone(),
        })
        .collect()
}

/// The path of a file list's entry: absolute, with bytes that are not UTF-8 as `\xNN`.
#[must_use]
pub fn path_text(path: &[u8]) -> String {
    let mut text = String::from("/");
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The first few, in one line.
pub(crate) fn in_short(problems: &[Problem]) -> String {
    let mut text: Vec<String> = problems
        .iter()
        .take(3)
        .map(|p| format!("{}: {}", p.path, p.reason))
        .collect();
    if problems.len() > 3 {
        text.push(format!("and {} more", problems.len() - 3));
    }
    text.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_to_what_a_step_holds() {
        let problem = |n: usize| Problem {
            path: "\"".repeat(n),
            reason: String::new(),
        };
        let cut = bounded(vec![problem(3000); 500]);
        assert!(!cut.is_empty());
        assert!(serde_json::to_string(&cut).unwrap().len() < 48 * 1024);
        assert_eq!(bounded(vec![problem(1); 5]).len(), 5);
        assert!(bounded(vec![problem(1_000_000)]).is_empty());
    }

    #[test]
    fn any_bytes_in_a_path_are_shown() {
        assert_eq!(path_text(b"a/\xff\xc3\xa4"), "/a/\\xff\u{e4}");
    }
}
