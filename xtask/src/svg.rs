//! A terminal as an SVG picture: plain text on a dark ground.

use std::fmt::Write;

/// Characters a line holds before it is continued on the next.
pub const COLUMNS: usize = 92;
/// What stands before the continuation of a line.
const CONTINUED: &str = "  ";
const CHARACTER: f64 = 8.4;
const ROW: usize = 20;
const MARGIN: usize = 20;
const BAR: usize = 32;

/// One line of a session.
pub enum Line {
    /// What was typed.
    Command(String),
    /// What was answered.
    Output(String),
}

/// The picture.
pub fn terminal(lines: &[Line]) -> String {
    let mut rows = String::new();
    let mut count = 0;
    for line in lines {
        let (class, text) = match line {
            Line::Command(text) => ("command", format!("$ {text}")),
            Line::Output(text) => ("output", text.clone()),
        };
        for part in wrap(&text) {
            let y = BAR + MARGIN + count * ROW;
            let _ = writeln!(
                rows,
                "<text x=\"{MARGIN}\" y=\"{y}\" class=\"{class}\">{}</text>",
                escape(&part)
            );
            count += 1;
        }
    }
    let width = (COLUMNS as f64 * CHARACTER) as usize + 2 * MARGIN;
    let height = BAR + MARGIN + count * ROW;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>text {{ font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; }}\n\
         .command {{ fill: #9ece6a; font-weight: bold; }} .output {{ fill: #c8d0e0; }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#16181d\"/>\n\
         <circle cx=\"20\" cy=\"17\" r=\"5\" fill=\"#5a6170\"/><circle cx=\"38\" cy=\"17\" r=\"5\" fill=\"#5a6170\"/>\
         <circle cx=\"56\" cy=\"17\" r=\"5\" fill=\"#5a6170\"/>\n\
         {rows}</svg>\n"
    )
}

/// The rows of a line: broken at blanks where there are any, what goes on stands two characters in.
fn wrap(text: &str) -> Vec<String> {
    let mut rest: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    let mut rows = Vec::new();
    while rest.len() > COLUMNS {
        let indent = if rows.is_empty() { 0 } else { CONTINUED.len() };
        let blank = rest[..=COLUMNS].iter().rposition(|c| *c == ' ');
        let (end, next) = match blank {
            Some(at) if at > indent => (at, at + 1),
            _ => (COLUMNS, COLUMNS),
        };
        rows.push(rest[..end].iter().collect());
        rest = CONTINUED.chars().chain(rest[next..].iter().copied()).collect();
    }
    rows.push(rest.into_iter().collect());
    rows
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup_and_long_lines_go_on_below() {
        let picture = terminal(&[
            Line::Command("echo <b>".into()),
            Line::Output("x".repeat(COLUMNS + 1)),
        ]);
        assert!(picture.contains("$ echo &lt;b&gt;"));
        assert_eq!(picture.matches("<text ").count(), 3);
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let line = format!("{} {} end", "x".repeat(COLUMNS - 2), "y".repeat(COLUMNS));
        let rows = wrap(&line);
        let expected = [
            "x".repeat(COLUMNS - 2),
            format!("  {}", "y".repeat(COLUMNS - 2)),
            "  yy end".to_owned(),
        ];
        assert_eq!(rows, expected);
        assert_eq!(wrap(""), [""]);
    }
}
