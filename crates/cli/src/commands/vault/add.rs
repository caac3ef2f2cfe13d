//! `ostler vault add`

use std::path::{Path, PathBuf};

use clap::Args;
use ostler_vocabulary::{Failure, Secret};

use crate::arguments::{path, target_path, text};
use crate::backend::{AddVault, TypedKey};
use crate::error::CommandError;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Make a vault that exists known to this machine
///
/// All that is needed is where it is and what opens it; then list, verify and restore work. The configuration file
/// gets an entry that names the file given here; a vault that is in it with nothing that opens it gets that.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// A directory or URL such as s3://bucket/prefix
    #[arg(value_name = "LOCATION", value_parser = text())]
    location: String,

    /// The key file that opens it; `-` reads a key that is typed in from a recovery sheet
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with_all = ["passphrase_file", "age_identity"])]
    key: Option<PathBuf>,

    /// The age identity that opens it
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with = "passphrase_file")]
    age_identity: Option<PathBuf>,

    /// A file whose first line is the passphrase that opens it
    #[arg(long, value_name = "FILE", value_parser = path())]
    passphrase_file: Option<PathBuf>,

    /// The name it gets; if not given, the default vault where there is none yet, else one made of the location
    #[arg(long, value_name = "NAME", value_parser = text())]
    name: Option<String>,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let absolute = |path: Option<PathBuf>| path.map(|p| target_path(&p, &session.directory)).transpose();
        let is_typed = self.key.as_deref() == Some(Path::new("-"));
        let request = AddVault {
            typed_key: match is_typed {
                true => Some(typed_key(session)?),
                false => None,
            },
            name: self.name,
            location: place(self.location, session)?,
            key_file: absolute(self.key.filter(|_| !is_typed))?,
            age_identity: absolute(self.age_identity)?,
            passphrase_file: absolute(self.passphrase_file)?,
        };
        let info = session.backend.add_vault(request).await?;
        let now = session.now();
        session
            .output
            .document(schema::VAULT, &info, |page| report::vault::info(page, &info, now))
    }
}

/// A key from standard input: one line, as a sheet has it. Case, blanks and dashes do not matter.
fn typed_key(session: &Session) -> Result<TypedKey, Failure> {
    session
        .output
        .say("Type the key from the sheet: OSTLER-KEY-1: …\n");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.map_err(|source| CommandError::Input { source })?;
    let line = line.trim();
    let prefix = "OSTLER-KEY-1:";
    let has_prefix = line
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    Ok(TypedKey(Secret::new(match has_prefix {
        true => line.to_owned(),
        false => format!("{prefix}{line}"),
    })))
}

/// A URL as it is; a directory as an absolute path, because the configuration is read from anywhere.
pub(super) fn place(location: String, session: &Session) -> Result<String, Failure> {
    if location.contains("://") {
        return Ok(location);
    }
    Ok(target_path(Path::new(&location), &session.directory)?
        .to_string_lossy()
        .into_owned())
}
