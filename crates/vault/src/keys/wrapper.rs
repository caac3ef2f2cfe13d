//! Wrappers: a key pair whose secret half is protected by a key file, a passphrase or age recipients. Secrets of
//! epochs are sealed to the public half, so that adding an epoch needs nobody's passphrase.

mod epoch;
mod method;

use ostler_vocabulary::{Secret, Timestamp, VaultId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key_file::FileKey;
use super::seal::{generate, public_of};
use crate::cipher::{Cipher, NONCE, Suite, TAG, constant_time_eq};
use crate::{Error, PassphraseCost, Unlock, cipher};
pub(crate) use epoch::WrapperSecret;
use method::Method;

const BINDING: &str = "ostler vault v1 wrapper";
const FILE_KEY: &str = "ostler vault v1 key file";
const IDENTITY_CHECK: &str = "ostler vault v1 identity check";
const VOUCHER: &str = "ostler vault v1 wrapper voucher";
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
    /// By the vault's identity secret: hexadecimal. Those made by earlier versions of this program have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voucher: Option<String>,
    /// Binding, secret half, identity check; sealed: base64.
    sealed: String,
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

impl Wrapper {
    /// A name that no wrapper has.
    pub(crate) fn new_id() -> Result<String, Error> {
        Ok(data_encoding::HEXLOWER.encode(&cipher::random::<16>()?))
    }

    /// A new wrapper of this name: itself, its secret half, and the bytes of its `wrapper.json`.
    pub(crate) fn make(
        id: String,
        suite: Suite,
        vault: VaultId,
        identity: &[u8; 32],
        created: Timestamp,
        protection: &Protection<'_>,
    ) -> Result<(Self, WrapperSecret, Vec<u8>), Error> {
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
            id,
            method,
            created,
            public: encode(&public),
            voucher: None,
            sealed: String::new(),
        };
        wrapper.voucher = Some(wrapper.voucher_by(vault, identity));
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
        let secret = WrapperSecret {
            secret,
            identity_check: identity_check(identity),
        };
        Ok((wrapper, secret, bytes))
    }

    fn voucher_by(&self, vault: VaultId, identity: &[u8; 32]) -> String {
        let key = Zeroizing::new(blake3::derive_key(VOUCHER, identity));
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(vault.as_bytes());
        hasher.update(self.id.as_bytes());
        hasher.update(self.public.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// Whether it was made by somebody who knew the vault's identity secret. Whoever can write to the store can add others,
    /// whose secret half is their own.
    pub(super) fn is_vouched_for(&self, vault: VaultId, identity: &[u8; 32]) -> bool {
        let said = self.voucher.as_deref().unwrap_or_default();
        constant_time_eq(said.as_bytes(), self.voucher_by(vault, identity).as_bytes())
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
