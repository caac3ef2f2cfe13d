//! Wrappers: a key pair whose secret half is protected by a key file, a passphrase or age recipients. Secrets of
//! epochs are sealed to the public half, so that adding an epoch needs nobody's passphrase.

use std::str::FromStr;

use ostler_vocabulary::{Secret, Timestamp, VaultId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key_file::FileKey;
use super::seal::{generate, open as open_sealed, public_of, seal as seal_to};
use super::{Epoch, EpochSecrets};
use crate::cipher::{Cipher, NONCE, Suite, TAG};
use crate::{Error, PassphraseCost, Unlock, cipher};

const BINDING: &str = "ostler vault v1 wrapper";
const FILE_KEY: &str = "ostler vault v1 key file";
const IDENTITY_CHECK: &str = "ostler vault v1 identity check";
const EPOCH: &[u8] = b"ostler vault v1 epoch";
const EPOCH_MAGIC: &[u8; 8] = b"OSTLEPO1";
const VERSION: u32 = 1;

/// `wrapper.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wrapper {
    version: u32,
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) method: Method,
    pub(crate) created: Timestamp,
    /// The public half: base64.
    public: String,
    /// Binding, secret half, identity check; sealed: base64.
    sealed: String,
}

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

/// With what a new wrapper is made.
pub(crate) enum Protection<'a> {
    KeyFile(&'a FileKey),
    Passphrase(&'a Secret, PassphraseCost),
    Age(&'a [String]),
}

/// What opening one wrapper with one key came to.
pub(crate) enum Tried {
    Opened(WrapperSecret),
    /// Another kind of key, or another key.
    NotThis,
}

/// The secret half of a wrapper, and what the vault's identity secret must be like.
pub(crate) struct WrapperSecret {
    secret: Zeroizing<[u8; 32]>,
    identity_check: [u8; 32],
}

impl Wrapper {
    /// A new wrapper: the bytes of its `wrapper.json`, and itself.
    pub(crate) fn make(
        suite: Suite,
        vault: VaultId,
        identity: &[u8; 32],
        created: Timestamp,
        protection: &Protection<'_>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let (secret, public) = generate()?;
        let method = match protection {
            Protection::KeyFile(key) => Method::KeyFile {
                fingerprint: key.fingerprint(),
            },
            Protection::Passphrase(_, cost) => Method::Passphrase {
                memory_kib: cost.memory_kib,
                iterations: cost.iterations,
                lanes: 1,
                salt: encode(&cipher::random::<16>()?),
            },
            Protection::Age(recipients) => Method::Age {
                recipients: recipients.to_vec(),
            },
        };
        let mut wrapper = Self {
            version: VERSION,
            id: data_encoding::HEXLOWER.encode(&cipher::random::<16>()?),
            method,
            created,
            public: encode(&public),
            sealed: String::new(),
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(96 + TAG));
        plain.extend_from_slice(&binding(vault, &wrapper.id, &wrapper.to_bytes()?));
        plain.extend_from_slice(secret.as_slice());
        plain.extend_from_slice(&identity_check(identity));
        wrapper.sealed = encode(&match protection {
            Protection::KeyFile(key) => {
                let key = Zeroizing::new(blake3::derive_key(FILE_KEY, key.bytes()));
                wrapper.seal_with(suite, vault, &key, &plain)?
            }
            Protection::Passphrase(passphrase, _) => {
                let key = wrapper.method.passphrase_key(passphrase)?;
                wrapper.seal_with(suite, vault, &key, &plain)?
            }
            Protection::Age(recipients) => super::recipients::seal(recipients, &plain)?,
        });
        let bytes = wrapper.to_bytes()?;
        Ok((wrapper, bytes))
    }

    /// Reads a `wrapper.json` that stands at `object` under the name `id`.
    pub(crate) fn parse(object: &str, id: &str, bytes: &[u8]) -> Result<Self, Error> {
        let wrapper: Self = serde_json::from_slice(bytes)
            .map_err(|error| Error::damaged(object, format!("it cannot be read: {error}")))?;
        if wrapper.version != VERSION {
            return Err(Error::Version {
                what: format!("`{object}`"),
                found: wrapper.version,
                known: VERSION,
            });
        }
        if wrapper.id != id {
            return Err(Error::damaged(object, "it is another wrapper"));
        }
        Ok(wrapper)
    }

    /// The file's bytes, pretty enough to be read.
    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Internal(format!("could not write a wrapper: {error}")))
    }

    /// Tries one key. `bytes` are those that this was parsed from.
    pub(crate) fn open(
        &self,
        suite: Suite,
        vault: VaultId,
        bytes: &[u8],
        unlock: &Unlock,
    ) -> Result<Tried, Error> {
        let object = format!("keys/{}/wrapper.json", self.id);
        let sealed =
            decode(&self.sealed).ok_or_else(|| Error::damaged(&object, "its sealed part is not base64"))?;
        let plain = match (&self.method, unlock) {
            (Method::KeyFile { fingerprint }, Unlock::KeyFile(text)) => {
                let key = FileKey::from_text(text)?;
                if key.fingerprint() != *fingerprint {
                    return Ok(Tried::NotThis);
                }
                let key = Zeroizing::new(blake3::derive_key(FILE_KEY, key.bytes()));
                Some(self.open_with(suite, vault, &key, &sealed).ok_or_else(|| {
                    Error::damaged(&object, "it names the given key, which does not open it")
                })?)
            }
            (Method::Passphrase { .. }, Unlock::Passphrase(passphrase)) => {
                let key = self.method.passphrase_key(passphrase)?;
                self.open_with(suite, vault, &key, &sealed)
            }
            (Method::Age { .. }, Unlock::AgeIdentity(identity)) => {
                super::recipients::open(identity, &sealed)?
            }
            _ => None,
        };
        let Some(plain) = plain else {
            return Ok(Tried::NotThis);
        };
        let parts = plain
            .split_first_chunk::<32>()
            .and_then(|(bound, rest)| Some((bound, rest.split_first_chunk::<32>()?)));
        let Some((bound, (secret, check))) = parts else {
            return Err(Error::damaged(&object, "its sealed part is too short"));
        };
        let unsealed = without(bytes, &self.sealed);
        if *bound != binding(vault, &self.id, &unsealed) {
            return Err(Error::damaged(
                &object,
                "it was changed after it was made, or is another vault's",
            ));
        }
        let identity_check = <[u8; 32]>::try_from(check)
            .map_err(|_| Error::damaged(&object, "its sealed part has a wrong length"))?;
        if decode(&self.public).as_deref() != Some(public_of(secret)?.as_slice()) {
            return Err(Error::damaged(
                &object,
                "its public key does not belong to its secret key",
            ));
        }
        Ok(Tried::Opened(WrapperSecret {
            secret: Zeroizing::new(*secret),
            identity_check,
        }))
    }

    /// Seals the secrets of an epoch to the public half.
    pub(crate) fn seal_epoch(
        &self,
        suite: Suite,
        vault: VaultId,
        identity: &[u8; 32],
        epoch: &Epoch,
    ) -> Result<Vec<u8>, Error> {
        let public = decode(&self.public)
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or_else(|| {
                Error::damaged(
                    format!("keys/{}/wrapper.json", self.id),
                    "its public key is wrong",
                )
            })?;
        let secrets = EpochSecrets::of(identity, epoch);
        let plain =
            Zeroizing::new(serde_json::to_vec(&secrets).map_err(|error| {
                Error::Internal(format!("could not write the secrets of an epoch: {error}"))
            })?);
        let sealed = seal_to(
            suite,
            &public,
            None,
            &epoch_info(vault, &self.id, epoch.number),
            &plain,
        )?;
        Ok([EPOCH_MAGIC.as_slice(), &sealed].concat())
    }

    fn wrapping_key(&self, vault: VaultId, key: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(vault.as_bytes());
        hasher.update(self.id.as_bytes());
        Zeroizing::new(*hasher.finalize().as_bytes())
    }

    /// The key is used once: the wrapper's random name is in it.
    fn seal_with(
        &self,
        suite: Suite,
        vault: VaultId,
        key: &[u8; 32],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = plain.to_vec();
        let tag = Cipher::new(suite, &self.wrapping_key(vault, key))
            .seal([0; NONCE], &[], &mut bytes)
            .map_err(|_| Error::Internal("could not seal a wrapper".to_owned()))?;
        bytes.extend_from_slice(&tag);
        Ok(bytes)
    }

    fn open_with(
        &self,
        suite: Suite,
        vault: VaultId,
        key: &[u8; 32],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let length = Cipher::new(suite, &self.wrapping_key(vault, key))
            .open([0; NONCE], &[], &mut bytes)
            .ok()?
            .len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl WrapperSecret {
    /// Opens the secrets of an epoch, and checks that they are of the vault that the wrapper was made for.
    pub(crate) fn open_epoch(
        &self,
        suite: Suite,
        vault: VaultId,
        wrapper: &str,
        number: u32,
        bytes: &[u8],
    ) -> Result<(Zeroizing<[u8; 32]>, Epoch), Error> {
        let object = format!("keys/{wrapper}/epoch-{number:08}");
        let damaged = |reason: &str| Error::damaged(&object, reason);
        let sealed = bytes
            .strip_prefix(EPOCH_MAGIC)
            .ok_or_else(|| damaged("it is not the secrets of an epoch"))?;
        let plain = open_sealed(
            suite,
            &self.secret,
            None,
            &epoch_info(vault, wrapper, number),
            sealed,
        )
        .map_err(|_| damaged("its bytes are not what was sealed"))?;
        let secrets: EpochSecrets =
            serde_json::from_slice(&plain).map_err(|_| damaged("its secrets cannot be read"))?;
        let (identity, epoch) = secrets
            .to_epoch(number)
            .ok_or_else(|| damaged("its secrets are not keys"))?;
        if identity_check(&identity) != self.identity_check {
            return Err(damaged("its identity secret is not this vault's"));
        }
        Ok((identity, epoch))
    }
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

    fn passphrase_key(&self, passphrase: &Secret) -> Result<Zeroizing<[u8; 32]>, Error> {
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

/// Checks that text is a recipient of age.
pub(crate) fn check_recipient(text: &str) -> Result<(), Error> {
    age::x25519::Recipient::from_str(text)
        .map(drop)
        .map_err(|reason| Error::BadKey {
            what: "the age recipient",
            reason: format!("`{text}`: {reason}"),
        })
}

fn epoch_info(vault: VaultId, wrapper: &str, number: u32) -> Vec<u8> {
    [EPOCH, vault.as_bytes(), wrapper.as_bytes(), &number.to_be_bytes()].concat()
}

fn identity_check(identity: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key(IDENTITY_CHECK, identity)
}

/// Binds all of a wrapper's file to its sealed part.
fn binding(vault: VaultId, id: &str, unsealed: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(BINDING);
    hasher.update(vault.as_bytes());
    hasher.update(id.as_bytes());
    hasher.update(unsealed);
    *hasher.finalize().as_bytes()
}

/// `bytes` without the first place where `part` stands.
pub(crate) fn without(bytes: &[u8], part: &str) -> Vec<u8> {
    let part = part.as_bytes();
    let found = (!part.is_empty())
        .then(|| bytes.windows(part.len()).position(|window| window == part))
        .flatten();
    match found {
        Some(at) => [&bytes[..at], &bytes[at + part.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    data_encoding::BASE64.decode(text.as_bytes()).ok()
}
