//! What was asked of a server, and what it answered, in order.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Where a server of a test is, before its port.
const HERE: &str = "127.0.0.1:";
/// Characters of an operation's id.
const ID: usize = 32;

/// A recording that is read, written, or neither.
#[derive(Debug)]
pub(super) enum Script {
    None,
    Writing {
        file: PathBuf,
        lines: Vec<Line>,
        ids: Ids,
    },
    Reading {
        file: PathBuf,
        ahead: VecDeque<Line>,
        last: Option<Line>,
        ids: Ids,
        fault: Option<String>,
    },
}

/// One exchange.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    asked: Value,
    status: u16,
    answer: Value,
}

/// Ids of operations in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Ids(Vec<String>);

impl Ids {
    /// A text with `‹1›` in place of the first id, and so on.
    fn hidden(&mut self, value: &Value) -> Value {
        let text = value.to_string();
        let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let mut out = String::new();
        let mut word = String::new();
        let end = |word: &mut String, out: &mut String, ids: &mut Vec<String>| {
            if word.len() == ID && word.chars().any(|c| c.is_ascii_alphabetic()) {
                let place = ids.iter().position(|id| id == word).unwrap_or_else(|| {
                    ids.push(word.clone());
                    ids.len() - 1
                });
                out.push_str(&format!("‹{}›", place + 1));
            } else {
                out.push_str(word);
            }
            word.clear();
        };
        for character in text.chars() {
            if is_digit(character) {
                word.push(character);
            } else {
                end(&mut word, &mut out, &mut self.0);
                out.push(character);
            }
        }
        end(&mut word, &mut out, &mut self.0);
        serde_json::from_str(&without_ports(&out)).unwrap_or(Value::Null)
    }

    fn shown(&self, value: &Value) -> Value {
        let mut text = value.to_string();
        for (place, id) in self.0.iter().enumerate() {
            text = text.replace(&format!("‹{}›", place + 1), id);
        }
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Script {
    pub(super) fn none() -> Self {
        Self::None
    }

    pub(super) fn record(file: &Path) -> Self {
        Self::Writing {
            file: file.to_owned(),
            lines: Vec::new(),
            ids: Ids::default(),
        }
    }

    /// # Panics
    /// When there is no such recording.
    pub(super) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", file.display(), how_to_record()));
        let lines = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            Line {
                asked: line["asked"].clone(),
                status: line["status"]
                    .as_u64()
                    .and_then(|it| it.try_into().ok())
                    .unwrap_or(200),
                answer: line["answer"].clone(),
            }
        });
        Self::Reading {
            file: file.to_owned(),
            ahead: lines.collect(),
            last: None,
            ids: Ids::default(),
            fault: None,
        }
    }

    /// Writes an exchange down. Of a question that is repeated, as who waits for something does, the last answer counts.
    pub(super) fn note(&mut self, asked: &Value, status: u16, answer: &Value) {
        let Self::Writing { lines, ids, .. } = self else {
            return;
        };
        let line = Line {
            asked: ids.hidden(asked),
            status,
            answer: ids.hidden(answer),
        };
        if lines
            .last()
            .is_some_and(|last| last.asked == line.asked && is_look(asked))
        {
            lines.pop();
        }
        lines.push(line);
    }

    /// The recorded answer, if this is what was asked next.
    pub(super) fn answer(&mut self, asked: &Value) -> (u16, Value) {
        let Self::Reading {
            file,
            ahead,
            last,
            ids,
            fault,
        } = self
        else {
            return (500, Value::Null);
        };
        let hidden = ids.hidden(asked);
        if ahead.front().is_some_and(|next| next.asked == hidden) {
            *last = ahead.pop_front();
        } else if last
            .as_ref()
            .is_none_or(|last| last.asked != hidden || !is_look(asked))
        {
            let expected = ahead
                .front()
                .map_or("the end".to_owned(), |next| next.asked.to_string());
            let message = format!(
                "{}: not recorded: {hidden}\nrecorded here: {expected}\n{}",
                file.display(),
                how_to_record()
            );
            fault.get_or_insert(message.clone());
            return (500, json!({ "error": { "code": 5000, "message": message } }));
        }
        let line = last.clone().unwrap_or(Line {
            asked: Value::Null,
            status: 500,
            answer: Value::Null,
        });
        (line.status, ids.shown(&line.answer))
    }

    /// Writes what was recorded; says what was not as recorded.
    pub(super) fn finish(&mut self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Writing { file, lines, .. } => {
                let text: String = lines
                    .iter()
                    .map(|line| {
                        let line =
                            json!({ "asked": line.asked, "status": line.status, "answer": line.answer });
                        format!("{line}\n")
                    })
                    .collect();
                let written = file
                    .parent()
                    .map_or(Ok(()), std::fs::create_dir_all)
                    .and_then(|()| std::fs::write(&*file, text));
                written.err().map(|error| format!("{}: {error}", file.display()))
            }
            Self::Reading {
                file, ahead, fault, ..
            } => fault.take().or_else(|| {
                let next = ahead.front()?;
                Some(format!(
                    "{}: {} statements were not asked, first {}\n{}",
                    file.display(),
                    ahead.len(),
                    next.asked,
                    how_to_record()
                ))
            }),
        }
    }
}

/// The text with `‹port›` for each port of this machine: errors name it, and it is another one each time.
fn without_ports(text: &str) -> String {
    let mut parts = text.split(HERE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(HERE);
        out.push_str(if rest.len() < part.len() { "‹port›" } else { "" });
        out.push_str(rest);
    }
    out
}

/// Whether asking again changes nothing.
fn is_look(asked: &Value) -> bool {
    asked["stmt"]
        .as_str()
        .is_some_and(|statement| statement.trim_start().starts_with("SELECT"))
}

fn how_to_record() -> &'static str {
    "to record it anew: OSTLER_TEST_CRATEDB=HOST:4200 OSTLER_TEST_RECORD=1 cargo test, with a CrateDB as docs/dev/testing.md says"
}

#[cfg(test)]
mod tests {
    use super::{Ids, Script};
    use serde_json::json;

    #[test]
    fn what_is_not_recorded_is_refused_and_ids_may_differ() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.jsonl");
        let (one, other) = (
            "0123456789abcdef0123456789abcdef",
            "ffffffffffffffff0123456789abcdef",
        );
        let mut written = Script::record(&file);
        written.note(
            &json!({"stmt": "UPDATE", "args": [one]}),
            200,
            &json!({"rows": [[one]]}),
        );
        written.note(&json!({"stmt": "SELECT 1"}), 200, &json!({"rows": [[1]]}));
        written.note(&json!({"stmt": "SELECT 1"}), 200, &json!({"rows": [[2]]}));
        assert_eq!(written.finish(), None);

        let mut read = Script::read(&file);
        let asked = json!({"stmt": "UPDATE", "args": [other]});
        assert_eq!(read.answer(&asked), (200, json!({"rows": [[other]]})));
        for _ in 0..3 {
            assert_eq!(
                read.answer(&json!({"stmt": "SELECT 1"})),
                (200, json!({"rows": [[2]]}))
            );
        }
        assert_eq!(read.finish(), None);
        // The update is not repeated unseen.
        assert_eq!(read.answer(&asked).0, 500);
        assert!(read.finish().unwrap().contains("not recorded"));
        assert!(
            Script::read(&file)
                .finish()
                .unwrap()
                .contains("2 statements were not asked")
        );
    }

    #[test]
    fn only_whole_ids_are_hidden() {
        let mut ids = Ids::default();
        let id = "0123456789abcdef0123456789abcdef";
        let value = json!([id, format!("{id} x"), format!("{id}0"), "abc", 12]);
        let hidden = ids.hidden(&value);
        assert_eq!(hidden, json!(["‹1›", "‹1› x", format!("{id}0"), "abc", 12]));
        assert_eq!(ids.shown(&hidden), value);
    }
}
