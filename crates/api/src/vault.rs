//! A vault to be made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A vault to be made where the client works, with the key that opens it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewVault {
    /// Its name in the configuration; `None` is the default vault.
    pub name: Option<String>,
    /// An absolute directory or a URL such as `s3://bucket/prefix`; `None` is what the configuration says of the name.
    pub location: Option<String>,
    /// The age recipients that protect its key, instead of a key file.
    pub age_recipients: Vec<String>,
    /// How its bytes are encrypted.
    pub encryption: Encryption,
}

/// How the bytes of a vault are encrypted, for its whole life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// By the algorithm that is faster on the machine that makes it.
    #[default]
    Fastest,
    /// AES-256-GCM
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305
    #[serde(rename = "chacha20-poly1305")]
    ChaCha20Poly1305,
    /// Not at all: whoever can read the store can read what is in it.
    None,
}
