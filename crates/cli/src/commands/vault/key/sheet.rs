//! `ostler vault key sheet`

use std::path::{Path, PathBuf};

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::{path, target_path, text};
use crate::error::CommandError;
use crate::output::schema;
use crate::session::Session;
use crate::sheet;

/// Print a recovery sheet: the key of a vault as text and as a QR code, and how to restore with it
///
/// It is secret: whoever sees it can read every backup. Keep it on paper, in a safe place. With `--output json` the
/// document holds the key.
#[derive(Debug, Args)]
pub(crate) struct Sheet {
    /// Write it to this file, which only you can read: a page as SVG where the name ends in .svg, else text
    #[arg(long, value_name = "FILE", value_parser = path())]
    to: Option<PathBuf>,

    /// The key file that is printed; the one that this machine uses if not given
    #[arg(long, value_name = "FILE", value_parser = path())]
    key: Option<PathBuf>,

    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,
}

impl Sheet {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let absolute = |path: Option<PathBuf>| path.map(|p| target_path(&p, &session.directory)).transpose();
        let (to, key) = (absolute(self.to)?, absolute(self.key)?);
        let found = session.backend.key_sheet(self.vault.as_deref(), key).await?;
        let sheet = sheet::Sheet::of(&found)?;
        let Some(to) = to else {
            warn(session, "this is secret");
            return session.output.document(schema::KEY_SHEET, &sheet, |page| {
                page.verbatim(&sheet.text(session.output.is_terminal()))
            });
        };
        let is_svg = to.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"));
        let text = match is_svg {
            true => sheet.svg(),
            false => sheet.text(false),
        };
        write(&to, &text).map_err(|source| CommandError::Sheet {
            path: to.clone(),
            source,
        })?;
        warn(session, &format!("wrote {}", to.display()));
        Ok(())
    }
}

fn warn(session: &Session, what: &str) {
    if !session.output.quiet {
        let text = format!("{what}: whoever sees it can read every backup in the vault\n");
        session.output.say(&text);
    }
}

/// Only its owner can read it, and nothing is replaced.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
