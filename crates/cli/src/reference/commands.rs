//! `docs/reference/cli.md`

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use super::GENERATED;
use crate::arguments::Arguments;

/// Every verb with every argument.
#[must_use]
pub fn commands_markdown() -> String {
    let mut root = Arguments::command();
    root.build();
    let mut page = format!("# Command line\n\n{GENERATED}\n");
    page.push_str(&text(root.get_long_about().or(root.get_about())));
    page.push_str("\n\n## Global options\n\nEvery command takes these.\n\n");
    arguments(&mut page, root.get_arguments().filter(|arg| listed(arg)));
    for command in root.get_subcommands() {
        section(&mut page, command, "ostler", 2);
    }
    page
}

fn section(page: &mut String, command: &Command, parent: &str, level: usize) {
    let name = format!("{parent} {}", command.get_name());
    // Writing to a string cannot fail.
    let _ = writeln!(page, "\n{} `{name}`\n", "#".repeat(level));
    let _ = writeln!(page, "{}", text(command.get_long_about().or(command.get_about())));
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| listed(arg) && !arg.is_global_set())
        .collect();
    if !command.has_subcommands() {
        let _ = writeln!(page, "\n    {name}{}", usage(&own));
    }
    if !own.is_empty() {
        page.push('\n');
        arguments(page, own.into_iter());
    }
    // Words of other programs are understood, and not shown.
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        section(page, verb, &name, level + 1);
    }
}

fn listed(arg: &Arg) -> bool {
    !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
}

fn usage(arguments: &[&Arg]) -> String {
    let mut text = String::new();
    if arguments.iter().any(|arg| !arg.is_positional()) {
        text.push_str(" [OPTIONS]");
    }
    for arg in arguments.iter().filter(|arg| arg.is_positional()) {
        let name = value_name(arg);
        let more = if arg.get_num_args().is_some_and(|n| n.max_values() > 1) {
            "..."
        } else {
            ""
        };
        let _ = match arg.is_required_set() {
            true => write!(text, " <{name}>{more}"),
            false => write!(text, " [{name}]{more}"),
        };
    }
    text
}

fn arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    page.push_str("| Argument | Meaning |\n|---|---|\n");
    for arg in arguments {
        let _ = writeln!(page, "| `{}` | {} |", form(arg), meaning(arg));
    }
}

fn form(arg: &Arg) -> String {
    let value = value_name(arg);
    if arg.is_positional() {
        return value;
    }
    let mut text = String::new();
    if let Some(short) = arg.get_short() {
        let _ = write!(text, "-{short}, ");
    }
    if let Some(long) = arg.get_long() {
        let _ = write!(text, "--{long}");
    }
    if arg.get_action().takes_values() {
        let _ = match arg.is_require_equals_set() {
            // Only these may do without a value.
            true => write!(text, "[={value}]"),
            false => write!(text, " {value}"),
        };
    }
    text
}

fn meaning(arg: &Arg) -> String {
    let mut text = text(arg.get_long_help().or(arg.get_help()))
        .replace("\n\n", ". ")
        .replace('\n', " ")
        .replace('|', "\\|");
    let values = arg.get_possible_values();
    if !values.is_empty() && arg.get_action().takes_values() {
        let values: Vec<String> = values
            .iter()
            .map(|value| match value.get_help() {
                Some(help) => format!("`{}` ({})", value.get_name(), lower(&help.to_string())),
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        let joint = if text.ends_with('.') { " One of" } else { "" };
        let _ = write!(text, "{joint}: {}", values.join(", "));
    }
    if let [default] = arg.get_default_values()
        && arg.get_action().takes_values()
    {
        let _ = write!(text, ". Default `{}`", default.to_string_lossy());
    }
    text
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        // A word all in capitals, such as the name of a cipher, stays as it is.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{}", first.to_lowercase(), chars.as_str())
        }
        _ => text.to_owned(),
    }
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names()
        .and_then(|names| names.first())
        .map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string)
}

fn text(styled: Option<&clap::builder::StyledStr>) -> String {
    styled
        .map(ToString::to_string)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
