//! The `.env` file of the working directory.
//!
//! One `NAME=value` a line; `export ` before it is allowed, `#` starts a comment at the start of a line or after a
//! blank. Values may stand in double quotes (with `\n`, `\t`, `\"`, `\\`) or single quotes (as they are). Nothing
//! is expanded and no command is run. What the process's environment has wins over the file. A file that another user
//! could have written is ignored.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Once;

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::Error;

/// Reads the directory's `.env`; nothing where there is none, or where it is not this user's alone, which is logged.
///
/// # Errors
/// [`Error::Read`], [`Error::Setting`]
pub fn read(directory: &Path) -> Result<BTreeMap<String, String>, Error> {
    let path = directory.join(".env");
    let mut text = String::new();
    match open(&path).and_then(|opened| match opened {
        Ok(mut file) => file.read_to_string(&mut text).map(|_| Ok(())),
        Err(reason) => Ok(Err(reason)),
    }) {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => {
            static LOGGED: Once = Once::new();
            let path = path.display();
            LOGGED.call_once(|| tracing::warn!("the environment file {path} is ignored: {reason}"));
            return Ok(BTreeMap::new());
        }
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => {
            return Err(Error::Read {
                what: "the environment file",
                path,
                source,
            });
        }
    }
    parse(&text).map_err(|wrong| Error::Setting {
        file: path.display().to_string(),
        key: format!("line {}", wrong.line),
        reason: wrong.reason.to_owned(),
        cure: "write NAME=value, with quotes around values that hold blanks or `#`".to_owned(),
    })
}

/// The file, or why it is ignored. What is checked is the file that is read, and the link that led there.
fn open(path: &Path) -> std::io::Result<Result<File, String>> {
    let user = geteuid().as_raw();
    let others =
        |uid: u32| (uid != user).then(|| format!("it belongs to user {uid}, and this is user {user}"));
    if let Some(reason) = others(std::fs::symlink_metadata(path)?.uid()) {
        return Ok(Err(reason));
    }
    // Not to wait for a writer where it is a FIFO.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    let reason = if !found.is_file() {
        Some("it is not a regular file".to_owned())
    } else if found.mode() & 0o022 != 0 {
        Some("others can write to it; `chmod go-w` ends that".to_owned())
    } else {
        others(found.uid())
    };
    Ok(reason.map_or(Ok(file), Err))
}

/// A line that is not of that form, with its number.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// From 1.
    pub line: usize,
    /// What is wrong, never with the value.
    pub reason: &'static str,
}

/// Reads the file's text; a later line of the same name wins.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, Wrong> {
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |reason| Wrong {
            line: number + 1,
            reason,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
        let name = name.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
            return Err(wrong("what stands before `=` is not a variable's name"));
        }
        values.insert(name.to_owned(), unquoted(value.trim()).map_err(wrong)?);
    }
    Ok(values)
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    let mut chars = value.chars();
    let Some(quote @ ('"' | '\'')) = chars.next() else {
        let end = value
            .char_indices()
            .find(|(at, c)| *c == '#' && value[..*at].ends_with([' ', '\t']))
            .map_or(value.len(), |(at, _)| at);
        return Ok(value[..end].trim_end().to_owned());
    };
    let mut text = String::new();
    loop {
        match chars.next().ok_or("a quote is not closed")? {
            c if c == quote => break,
            '\\' if quote == '"' => match chars.next().ok_or("a quote is not closed")? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                c @ ('"' | '\\' | '$') => text.push(c),
                c => text.extend(['\\', c]),
            },
            c => text.push(c),
        }
    }
    let rest = chars.as_str().trim();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(text)
    } else {
        Err("something follows the closing quote")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::{Wrong, parse, read};

    #[test]
    fn a_file_that_another_user_could_have_written_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(".env");
        let own = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let none = BTreeMap::new();
        assert_eq!(read(directory.path()).unwrap(), none);
        fs::write(&file, "A=1\n").unwrap();
        for (mode, expected) in [(0o600, &own), (0o644, &own), (0o664, &none), (0o646, &none)] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(directory.path()).unwrap(), *expected, "{mode:o}");
        }
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let moved = directory.path().join("env");
        fs::rename(&file, &moved).unwrap();
        symlink("env", &file).unwrap();
        assert_eq!(read(directory.path()).unwrap(), own, "one's own link");
        if rustix::process::geteuid().is_root() {
            chown(&moved, Some(65_534), None).unwrap();
            assert_eq!(read(directory.path()).unwrap(), none);
            chown(&moved, Some(0), None).unwrap();
            std::os::unix::fs::lchown(&file, Some(65_534), None).unwrap();
            assert_eq!(read(directory.path()).unwrap(), none, "another user's link");
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(read(directory.path()).unwrap(), none);
    }

    #[test]
    fn lines_are_read_as_documented() {
        let text = "\n# all of it\nA=1\nexport B = two words # said\nC=\"a\\nb # \\\"c\\\"\"\nD='$HOME \\n'\nE=\nA=2\nF=x#y\n";
        let values = parse(text).unwrap();
        for (name, value) in [
            ("A", "2"),
            ("B", "two words"),
            ("C", "a\nb # \"c\""),
            ("D", "$HOME \\n"),
            ("E", ""),
            ("F", "x#y"),
        ] {
            assert_eq!(values[name], value, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in [
            ("A=1\nnonsense", 2),
            ("1A=2", 1),
            ("A='x", 1),
            ("A=\"x\\", 1),
            ("A='x' y", 1),
            ("=x", 1),
        ] {
            assert!(
                matches!(parse(text), Err(Wrong { line: l, .. }) if l == line),
                "{text}"
            );
        }
    }
}
