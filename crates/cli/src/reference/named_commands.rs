//! Messages, hints and doc comments name commands: each is one that the parser takes.

use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;

use crate::arguments::Arguments;

/// What begins a command in a text.
const START: &str = "`ostler ";

/// Source files below a directory.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The commands that a source file names, each without the word `ostler`. String literals are joined where `\` continues them.
fn named(source: &str) -> Vec<String> {
    let joined = source
        .split("\\\n")
        .map(|line| line.trim_start_matches(' '))
        .collect::<String>()
        .replace("{{", "{")
        .replace("}}", "}");
    joined
        .split(START)
        .skip(1)
        .filter_map(|rest| rest.split_once('`'))
        .map(|(command, _)| command.to_owned())
        .filter(|command| !command.contains('\n') && !command.starts_with('{'))
        .collect()
}

/// The words of a command, of which those in quotes are one.
fn words(command: &str) -> Vec<&str> {
    let parts = command.split(['\'', '"']).enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        })
        .collect()
}

/// What the parser has against a command, where that is not a value that stands for another one, or one that is left out.
fn fault(command: &str) -> Option<String> {
    let command = command.split(" > ").next().unwrap_or_default();
    // `check{}`: what is filled in is another word, or nothing.
    let own = |word: &'_ str| word.find('{').filter(|at| *at > 0).unwrap_or(word.len());
    let words = words(command).into_iter().map(|word| &word[..own(word)]);
    let words = words.filter(|word| *word != "…");
    let error = Arguments::try_parse_from(std::iter::once("ostler").chain(words)).err()?;
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict => {
            Some(error.to_string())
        }
        _ => None,
    }
}

#[test]
fn every_command_that_the_program_names_is_one() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&crates).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            sources(&source, &mut files);
        }
    }
    let (mut count, mut faults) = (0, Vec::new());
    for file in files {
        for command in named(&std::fs::read_to_string(&file).unwrap()) {
            count += 1;
            if let Some(fault) = fault(&command) {
                let line = fault.lines().next().unwrap_or_default();
                faults.push(format!("{}: `ostler {command}`: {line}", file.display()));
            }
        }
    }
    assert!(count > 300, "only {count} commands were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_wrong_command_is_found() {
    for command in [
        "backup chek",
        "backup list --nme",
        "operation resume {id} --plan policy --x",
    ] {
        assert!(fault(command).is_some(), "{command}");
    }
    for command in [
        "backup show {}",
        "restore … --allow-incomplete",
        "config init > ~/file",
    ] {
        assert_eq!(fault(command), None, "{command}");
    }
}
