//! A terminal as an SVG picture: plain text on a dark ground.

use std::fmt::Write;

/// Characters a line holds before it is continued on the next.
pub const COLUMNS: usize = 92;
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

fn wrap(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters
        .chunks(COLUMNS)
        .map(|part| part.iter().collect())
        .collect()
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
}
