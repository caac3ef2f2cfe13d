//! Writes the reference pages that are made from the code into the directory it is given; `cargo xtask docs`.

#![expect(clippy::print_stderr, reason = "a program for developers")]

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: reference DIRECTORY");
        return ExitCode::FAILURE;
    };
    for (page, text) in ostler::reference::pages() {
        let path = folder.join(page.trim_start_matches("docs/reference/"));
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("error: writing {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
