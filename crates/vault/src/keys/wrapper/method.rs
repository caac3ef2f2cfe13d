//! What protects the secret half of a wrapper.

use ostler_vocabulary::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::decode;
use crate::{Error, PassphraseCost};

/// What protects it, with the parameters of that.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "parameters", rename_all = "snake_case")]
pub(crate) enum Method {
    KeyFile {
        fingerprint: String,
    },
    Passphrase {
        memory_kib: u32,
        iterations: u32,
        lanes: u32,
        salt: String,
    },
    Age {
        recipients: Vec<String>,
    },
}

impl Method {
    /// The word for it, and what to call the key that opens it.
    pub(crate) fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::KeyFile { .. } => ("key_file", "its key file"),
            Self::Passphrase { .. } => ("passphrase", "its passphrase"),
            Self::Age { .. } => ("age", "an age identity"),
        }
    }

    /// What tells it from others of its kind.
    pub(crate) fn about(&self) -> Option<String> {
        match self {
            Self::KeyFile { fingerprint } => Some(fingerprint.clone()),
            Self::Passphrase { .. } => None,
            Self::Age { recipients } => Some(recipients.join(", ")),
        }
    }

    /// The key that a passphrase gives with the parameters of this wrapper.
    pub(super) fn passphrase_key(&self, passphrase: &Secret) -> Result<Zeroizing<[u8; 32]>, Error> {
        let Self::Passphrase {
            memory_kib,
            iterations,
            lanes,
            salt,
        } = self
        else {
            return Err(Error::Internal("not a wrapper with a passphrase".to_owned()));
        };
        let wrong = |reason: String| Error::BadKey {
            what: "the passphrase",
            reason,
        };
        // They come from the store: whoever wrote them must not be able to exhaust the machine.
        if *memory_kib > PassphraseCost::MOST.memory_kib
            || *iterations > PassphraseCost::MOST.iterations
            || *lanes > 16
        {
            return Err(wrong(
                "its parameters ask for more memory or time than is allowed".to_owned(),
            ));
        }
        let salt = decode(salt).ok_or_else(|| wrong("its salt is not base64".to_owned()))?;
        let params = argon2::Params::new(*memory_kib, *iterations, *lanes, Some(32))
            .map_err(|error| wrong(format!("its parameters are wrong: {error}")))?;
        let mut key = Zeroizing::new([0; 32]);
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase.reveal().as_bytes(), &salt, key.as_mut_slice())
            .map_err(|error| wrong(format!("its parameters are wrong: {error}")))?;
        Ok(key)
    }
}
