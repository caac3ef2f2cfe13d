//! A small table writer: aligned columns, cut to the terminal's width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::page::Tone;
use super::printable;

/// Blanks between columns.
const GAP: usize = 2;

/// No column is cut below this.
const NARROWEST: usize = 8;

/// A column's heading and form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    right: bool,
    /// Whether it may be cut when cutting the last column is not enough.
    flexible: bool,
}

impl Column {
    pub const fn left(heading: &'static str) -> Self {
        Self {
            heading,
            right: false,
            flexible: false,
        }
    }

    pub const fn right(heading: &'static str) -> Self {
        Self {
            heading,
            right: true,
            flexible: false,
        }
    }

    /// Names that people chose, which may be long.
    pub const fn flexible(heading: &'static str) -> Self {
        Self {
            heading,
            right: false,
            flexible: true,
        }
    }
}

/// Rows of cells, each with its tone.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = (String, Tone)>) {
        self.rows.push(
            cells
                .into_iter()
                .map(|(text, tone)| (printable(&text), tone))
                .collect(),
        );
    }

    /// The lines, with the heading first; cut to `width` when there is one.
    pub(super) fn lines(&self, width: Option<usize>, paint: impl Fn(&str, Tone) -> String) -> Vec<String> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.heading.width()).collect();
        for row in &self.rows {
            for (slot, (text, _)) in widths.iter_mut().zip(row) {
                *slot = (*slot).max(text.width());
            }
        }
        if let Some(limit) = width {
            self.narrow(&mut widths, limit);
        }
        let heading: Vec<(String, Tone)> = self
            .columns
            .iter()
            .map(|column| (column.heading.to_owned(), Tone::Heading))
            .collect();
        std::iter::once(&heading)
            .chain(&self.rows)
            .map(|row| self.line(row, &widths, width.is_some(), &paint))
            .collect()
    }

    /// Takes what is too much from the last column, then from the widest flexible ones.
    fn narrow(&self, widths: &mut [usize], limit: usize) {
        let gaps = GAP * widths.len().saturating_sub(1);
        let last = widths.len().saturating_sub(1);
        let excess = |widths: &[usize]| (widths.iter().sum::<usize>() + gaps).saturating_sub(limit);
        let flexible =
            |index: usize| self.columns.get(index).is_some_and(|column| column.flexible) && index != last;
        while excess(widths) > 0 {
            let widest = (0..widths.len())
                .filter(|&index| flexible(index) && widths[index] > NARROWEST)
                .max_by_key(|&index| widths[index]);
            let spare = widths
                .get(last)
                .map_or(0, |width| width.saturating_sub(NARROWEST));
            // The last column gives first as long as it is the wider one.
            let index = match widest {
                Some(index) if spare == 0 || widths[index] > widths[last] => index,
                _ if spare > 0 => last,
                _ => return,
            };
            widths[index] -= 1;
        }
    }

    fn line(
        &self,
        row: &[(String, Tone)],
        widths: &[usize],
        cut_last: bool,
        paint: &impl Fn(&str, Tone) -> String,
    ) -> String {
        let mut line = String::new();
        let last = widths.len().saturating_sub(1);
        for (index, (text, tone)) in row.iter().enumerate() {
            let (width, right) = (
                widths.get(index).copied().unwrap_or(0),
                self.columns.get(index).is_some_and(|c| c.right),
            );
            let text = if index == last && !cut_last {
                text.clone()
            } else {
                cut(text, width)
            };
            let padding = " ".repeat(width.saturating_sub(text.width()));
            let painted = paint(&text, *tone);
            if right {
                line.push_str(&padding);
                line.push_str(&painted);
            } else {
                line.push_str(&painted);
                if index != last {
                    line.push_str(&padding);
                }
            }
            if index != last {
                line.push_str(&" ".repeat(GAP));
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// The text in at most `width` columns, with an ellipsis where it was cut.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::super::page::Tone;
    use super::{Column, Table, cut};

    #[test]
    fn tables_fit_the_terminal_and_are_whole_elsewhere() {
        let mut table = Table::new([
            Column::left("ID"),
            Column::flexible("NAME"),
            Column::right("SIZE"),
            Column::left("PATH"),
        ]);
        let name = "a name that somebody made far longer than any table likes";
        let path = "/a/path/that/is/long/enough/to/be/cut/at/eighty/columns/and/then/some/more";
        for name in [
            name,
            "short",
            "名前名前名前名前名前名前名前名前名前名前名前名前名前名前名前",
        ] {
            table.row(["12345678", name, "1 B", path].map(|text| (text.to_owned(), Tone::Plain)));
        }
        let plain = |text: &str, _: Tone| text.to_owned();
        for line in table.lines(Some(80), plain) {
            assert!(line.width() <= 80, "{line}");
        }
        assert!(table.lines(None, plain)[1].ends_with(path));
        assert!(table.lines(None, plain)[1].contains(name));
    }

    #[test]
    fn wide_characters_are_cut_whole() {
        assert_eq!(cut("名前", 4), "名前");
        assert_eq!(cut("名前名", 4), "名…");
        assert_eq!(cut("abc", 2), "a…");
    }
}
