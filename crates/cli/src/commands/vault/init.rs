//! `ostler vault init`

use std::path::PathBuf;

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::{path, target_path, text};
use crate::backend::InitVault;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// Make a vault and the key that opens it
///
/// Without options it is made in the user's data directory, encrypted, with a key file beside it. Whoever loses the
/// key loses the backups: copy it to another place.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// A directory or URL such as s3://bucket/prefix; what the configuration says of NAME if not given
    #[arg(value_name = "LOCATION", value_parser = text())]
    location: Option<String>,

    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "NAME", value_parser = text())]
    name: Option<String>,

    /// Where the key file is written; the state directory if not given
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with = "unencrypted")]
    key: Option<PathBuf>,

    /// Protect the key by the passphrase in the first line of this file; no key file then unless `--key`
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with = "unencrypted")]
    passphrase_file: Option<PathBuf>,

    /// Protect the key by this age recipient; may be repeated; no key file then unless `--key`
    #[arg(long, value_name = "RECIPIENT", value_parser = text(), conflicts_with = "unencrypted")]
    age: Vec<String>,

    /// Do not encrypt: whoever can read the store can read the backups
    #[arg(long)]
    unencrypted: bool,
}

impl Init {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let absolute = |path: Option<PathBuf>| path.map(|p| target_path(&p, &session.directory)).transpose();
        let request = InitVault {
            name: self.name,
            location: self
                .location
                .map(|location| super::add::place(location, session))
                .transpose()?,
            key_file: absolute(self.key)?,
            passphrase_file: absolute(self.passphrase_file)?,
            age_recipients: self.age,
            encryption: self.unencrypted.then(|| "none".to_owned()),
        };
        let info = session.backend.init_vault(request).await?;
        session
            .output
            .document(schema::VAULT, &info, |page| report::vault::made(page, &info))
    }
}
