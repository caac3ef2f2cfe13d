use std::fs;
use std::os::unix::fs::symlink;

use super::{Found, Visit, Walker};
use crate::Error;
use crate::path::{listed, shown};
use crate::stat::Kind;
use crate::stop::Stop;
use crate::walk::globs::Globs;

#[derive(Default)]
struct Log {
    top: Vec<u8>,
    found: Vec<String>,
    problems: Vec<String>,
}

impl Visit for Log {
    fn found(&mut self, found: Found) -> Result<(), Error> {
        let rest = crate::path::below(&found.path, &self.top).unwrap_or(&found.path);
        let mark = if found.stat.kind == Kind::Directory {
            "/"
        } else {
            ""
        };
        self.found.push(format!("{}{mark}", shown(rest)));
        Ok(())
    }

    fn problem(&mut self, path: &[u8], reason: String) {
        self.problems.push(format!("{}: {reason}", shown(path)));
    }
}

fn walk(top: &std::path::Path, exclude: &[&str], left_out: &[std::path::PathBuf]) -> Log {
    let exclude: Vec<String> = exclude.iter().map(|&pattern| pattern.to_owned()).collect();
    let exclude = Globs::new(&exclude).unwrap();
    let stop = Stop::never();
    let mut log = Log {
        top: listed(top).unwrap(),
        ..Log::default()
    };
    let top = log.top.clone();
    Walker::new(&exclude, left_out, false, &stop)
        .walk(&top, &mut log)
        .unwrap();
    log
}

#[test]
fn entries_come_in_path_order_with_a_directorys_entries_right_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path();
    for name in ["a", "a.d", "b"] {
        fs::create_dir(top.join(name)).unwrap();
    }
    for name in ["a/z", "a!", "a.d/x", "b/f"] {
        fs::write(top.join(name), "x").unwrap();
    }
    symlink("a", top.join("link")).unwrap();
    assert_eq!(
        walk(top, &[], &[]).found,
        ["/", "a/", "a/z", "a!", "a.d/", "a.d/x", "b/", "b/f", "link"]
    );
}

#[test]
fn excluded_and_left_out_directories_are_not_entered() {
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path();
    for name in ["cache", "state", "keep"] {
        fs::create_dir(top.join(name)).unwrap();
        fs::write(top.join(name).join("f.tmp"), "x").unwrap();
        fs::write(top.join(name).join("g"), "x").unwrap();
    }
    let log = walk(top, &["cache/", "*.tmp"], &[top.join("state")]);
    assert_eq!(log.found, ["/", "keep/", "keep/g"]);
    assert!(log.problems.is_empty());
}

#[test]
fn a_tree_deeper_than_open_directories_allow_is_walked_to_its_end_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut path = directory.path().to_owned();
    for _ in 0..150 {
        path.push("d");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("z"), "x").unwrap();
    }
    let log = walk(directory.path(), &[], &[]);
    assert_eq!(log.found.len(), 301);
    assert_eq!(log.found.last().map(String::as_str), Some("d/z"));
    assert!(log.problems.is_empty(), "{:?}", log.problems);
}

#[test]
fn a_path_that_does_not_exist_is_an_error_that_names_it() {
    let exclude = Globs::default();
    let stop = Stop::never();
    let error = Walker::new(&exclude, &[], false, &stop)
        .walk(b"nonexistent/for/sure", &mut Log::default())
        .unwrap_err();
    assert!(matches!(error, Error::Missing { path } if path == "/nonexistent/for/sure"));
}

#[test]
fn a_link_that_was_asked_for_is_followed_and_one_in_the_tree_is_not() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("real")).unwrap();
    fs::write(directory.path().join("real/f"), "x").unwrap();
    symlink("real", directory.path().join("link")).unwrap();
    assert_eq!(walk(&directory.path().join("link"), &[], &[]).found, ["/", "f"]);
    assert_eq!(
        walk(directory.path(), &[], &[]).found,
        ["/", "link", "real/", "real/f"]
    );
}
