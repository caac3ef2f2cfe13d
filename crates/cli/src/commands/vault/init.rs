//! `ostler vault init`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostler_api::vault::{Encryption, NewVault};
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

    /// The age identity that opens it on this machine; kept in the configuration
    ///
    /// The configuration names the file and does not copy it. Without `--age` the key is protected for this identity
    /// alone.
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with = "unencrypted")]
    age_identity: Option<PathBuf>,

    /// What encrypts it
    ///
    /// Chosen once for the whole life of the vault. Every machine can read both; name one where the machines that
    /// back up are of another kind than this one.
    #[arg(long, value_enum, default_value_t = Cipher::Auto, value_name = "CIPHER", conflicts_with = "unencrypted")]
    cipher: Cipher,

    /// Do not encrypt: whoever can read the store can read the backups
    #[arg(long)]
    unencrypted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cipher {
    /// The faster one on this machine
    Auto,
    /// AES-256-GCM, for processors with AES instructions: nearly all servers, laptops and phones
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305, several times faster where there are none, such as on small ARM boards
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

impl Init {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let absolute = |path: Option<PathBuf>| path.map(|p| target_path(&p, &session.directory)).transpose();
        let request = InitVault {
            vault: NewVault {
                name: self.name,
                location: self
                    .location
                    .map(|location| super::add::place(location, session))
                    .transpose()?,
                age_recipients: self.age,
                encryption: match self.cipher {
                    _ if self.unencrypted => Encryption::None,
                    Cipher::Auto => Encryption::Fastest,
                    Cipher::Aes256Gcm => Encryption::Aes256Gcm,
                    Cipher::ChaCha20Poly1305 => Encryption::ChaCha20Poly1305,
                },
            },
            key_file: absolute(self.key)?,
            passphrase_file: absolute(self.passphrase_file)?,
            age_identity: absolute(self.age_identity)?,
        };
        let info = session.backend.init_vault(request).await?;
        session
            .output
            .document(schema::VAULT, &info, |page| report::vault::made(page, &info))
    }
}
