//! Puts the schema into the program: one list of what is in `sql/`, so that a new file is enough.
//!
//! A file `*.template.sql` stands for several that differ in a few words. Its head, up to the first empty line, names each of
//! them with its words:
//!
//! ```sql
//! -- file: logutriga.sql
//! -- kind: logutriga
//! ```
//!
//! and the rest is the text, in which `{kind}` is what the head says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=sql");
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("sql");
    let mut paths = Vec::new();
    collect(&root, &mut paths)?;
    let mut files: Vec<(String, String)> = Vec::new();
    for path in &paths {
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let text = fs::read_to_string(path)?;
        if name.ends_with(".template.sql") {
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            files.extend(
                expand(&text)
                    .into_iter()
                    .map(|(file, text)| (format!("{folder}/{file}"), text)),
            );
        } else {
            files.push((name, text));
        }
    }
    files.sort();
    let mut list = String::from("/// Name below `sql/`, and text.\nconst FILES: &[(&str, &str)] = &[\n");
    for (name, text) in &files {
        let _ = writeln!(list, "    ({name:?}, {text:?}),");
    }
    list.push_str("];\n");
    let out = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("schema_files.rs");
    fs::write(out, list)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "sql") {
            files.push(path);
        }
    }
    Ok(())
}

/// The files that a template stands for, by name.
fn expand(template: &str) -> Vec<(String, String)> {
    let (head, body) = template.split_once("\n\n").unwrap_or((template, ""));
    let mut files: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        let Some((key, value)) = line.trim_start_matches("-- ").split_once(": ") else {
            continue;
        };
        if key == "file" {
            files.push((value.to_owned(), body.to_owned()));
        } else if let Some((_, text)) = files.last_mut() {
            *text = text.replace(&format!("{{{key}}}"), value);
        }
    }
    files
}
