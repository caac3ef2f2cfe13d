//! What people read: lines, labelled values, tables.

use unicode_width::UnicodeWidthStr;

use super::printable;
use super::table::Table;

/// The column at which labelled values begin.
const INDENT: usize = 12;

/// What a word means, as a colour. The word itself says it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Heading,
    Good,
    Doubtful,
    Bad,
    Faint,
}

/// Text in the making.
#[derive(Debug)]
pub(crate) struct Page {
    width: Option<usize>,
    colour: bool,
    text: String,
}

impl Page {
    pub fn new(width: Option<usize>, colour: bool) -> Self {
        Self {
            width,
            colour,
            text: String::new(),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A sentence, wrapped on a terminal.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let text = printable(text.as_ref());
        let indent = text.len() - text.trim_start().len();
        self.wrapped(&" ".repeat(indent), indent + 2, text.trim_start());
    }

    /// A sentence of which one word has a tone: `before`, the word, `after`.
    pub fn toned(&mut self, before: &str, word: &str, tone: Tone, after: &str) {
        let line = format!(
            "{}{}{}",
            printable(before),
            self.paint(&printable(word), tone),
            printable(after)
        );
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// A line that is copied to a shell and so is never wrapped.
    pub fn command(&mut self, command: &str, meaning: &str) {
        let whole = format!("  {command}   # {meaning}");
        if self.width.is_none_or(|width| whole.width() <= width) {
            self.raw(&whole);
        } else {
            self.raw(&format!("  # {meaning}"));
            self.raw(&format!("  {command}"));
        }
    }

    /// A label with its value.
    pub fn field(&mut self, label: &str, value: impl AsRef<str>) {
        let label = format!("  {label:<width$}", width = INDENT - 2);
        self.wrapped(&label, INDENT, &printable(value.as_ref()));
    }

    /// A label with each of its values on a line of its own.
    pub fn fields<T: AsRef<str>>(&mut self, label: &str, values: impl IntoIterator<Item = T>) {
        let mut label = label;
        for value in values {
            self.field(label, value);
            label = "";
        }
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    pub fn table(&mut self, table: &Table) {
        for line in table.lines(self.width, |text, tone| self.paint(text, tone)) {
            self.raw(&line);
        }
    }

    /// Text of ours that keeps its own lines.
    pub fn verbatim(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn raw(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn wrapped(&mut self, first: &str, indent: usize, text: &str) {
        let mut line = first.to_owned();
        let mut words = text.split(' ');
        line.push_str(words.next().unwrap_or_default());
        for word in words {
            if self
                .width
                .is_some_and(|width| line.width() + 1 + word.width() > width)
            {
                self.raw(line.trim_end());
                line = " ".repeat(indent);
            } else {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.raw(line.trim_end());
    }

    fn paint(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Doubtful => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, Tone};

    #[test]
    fn sentences_wrap_on_a_terminal_only() {
        let text = "word ".repeat(40);
        let mut page = Page::new(Some(80), false);
        page.field("label", &text);
        assert!(page.as_str().lines().count() > 2);
        assert!(page.as_str().lines().all(|line| line.len() <= 80));
        let mut page = Page::new(None, false);
        page.field("label", &text);
        assert_eq!(page.as_str().lines().count(), 1);
    }

    #[test]
    fn colours_are_added_only_when_asked_for() {
        for (colour, expected) in [(false, "a b c\n"), (true, "a \u{1b}[31mb\u{1b}[0m c\n")] {
            let mut page = Page::new(None, colour);
            page.toned("a ", "b", Tone::Bad, " c");
            assert_eq!(page.as_str(), expected);
        }
    }
}
