//! `ostler vault init`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
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
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with_all = ["passphrase_file", "age", "encryption_none"])]
    key: Option<PathBuf>,

    /// Protect the key by the passphrase in the first line of this file
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with_all = ["age", "encryption_none"])]
    passphrase_file: Option<PathBuf>,

    /// Protect the key by this age recipient; may be repeated
    #[arg(long, value_name = "RECIPIENT", value_parser = text(), conflicts_with = "encryption_none")]
    age: Vec<String>,

    /// The cipher; what is fastest on this machine if not given
    #[arg(long, value_enum, value_name = "SUITE", conflicts_with = "encryption_none")]
    encryption: Option<Encryption>,

    /// Do not encrypt: whoever can read the store can read the backups
    #[arg(long = "unencrypted", id = "encryption_none")]
    unencrypted: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encryption {
    /// AES-256-GCM
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

impl Init {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let suite = self.encryption.map(|suite| match suite {
            Encryption::Aes256Gcm => "aes-256-gcm".to_owned(),
            Encryption::ChaCha20Poly1305 => "chacha20-poly1305".to_owned(),
        });
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
            encryption: if self.unencrypted {
                Some("none".to_owned())
            } else {
                suite
            },
        };
        let info = session.backend.init_vault(request).await?;
        session
            .output
            .document(schema::VAULT, &info, |page| report::vault::made(page, &info))
    }
}
