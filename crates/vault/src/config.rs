//! `vault.json`: what a vault is, readable without a key, believed only with one.

use ostler_store::Key;
use ostler_vocabulary::{Timestamp, VaultId};
use serde::{Deserialize, Serialize};

use crate::cipher::{Suite, constant_time_eq};
use crate::keys::{EpochSecrets, config_mac, without};
use crate::{Error, Writers};

/// Where it stands.
pub(crate) const OBJECT: &str = "vault.json";
const FORMAT: &str = "ostler-vault";
const VERSION: u32 = 1;

/// What `vault.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) id: VaultId,
    pub(crate) created: Timestamp,
    pub(crate) suite: Suite,
    pub(crate) writers: Writers,
    /// Of an unencrypted vault: its only epoch.
    pub(crate) secrets: Option<EpochSecrets>,
    /// The file's bytes without the code, and the code: hexadecimal.
    signed: Vec<u8>,
    mac: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    id: VaultId,
    created: Timestamp,
    encryption: String,
    /// Left out where any number may write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    single_writer: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secrets: Option<EpochSecrets>,
    mac: String,
}

/// The key of the object.
pub(crate) fn key() -> Result<Key, Error> {
    Key::new(OBJECT).map_err(Error::store("name", OBJECT))
}

impl Config {
    /// A new vault's, with the bytes of its file.
    pub(crate) fn make(
        id: VaultId,
        created: Timestamp,
        suite: Suite,
        writers: Writers,
        identity: &[u8; 32],
        secrets: Option<EpochSecrets>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let mut document = Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            id,
            created,
            encryption: suite.name().to_owned(),
            single_writer: writers == Writers::One,
            secrets: secrets.clone(),
            mac: String::new(),
        };
        let write = |document: &Document| {
            serde_json::to_vec_pretty(document)
                .map_err(|error| Error::Internal(format!("could not write `{OBJECT}`: {error}")))
        };
        let signed = write(&document)?;
        document.mac = data_encoding::HEXLOWER.encode(&config_mac(identity, &signed));
        let bytes = write(&document)?;
        let config = Self {
            id,
            created,
            suite,
            writers,
            secrets,
            signed,
            mac: document.mac,
        };
        Ok((config, bytes))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        // The version is looked at first: a newer file may have other fields.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let unreadable =
            |error: serde_json::Error| Error::damaged(OBJECT, format!("it cannot be read: {error}"));
        let head: Head = serde_json::from_slice(bytes).map_err(unreadable)?;
        if head.format != FORMAT {
            return Err(Error::damaged(OBJECT, "it does not describe a vault of Ostler"));
        }
        if head.version != VERSION {
            return Err(Error::Version {
                what: format!("`{OBJECT}`"),
                found: head.version,
                known: VERSION,
            });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(unreadable)?;
        let suite = Suite::from_name(&document.encryption)
            .ok_or_else(|| Error::damaged(OBJECT, "its encryption is not one of version 1"))?;
        if (suite == Suite::None) != document.secrets.is_some() {
            return Err(Error::damaged(OBJECT, "its secrets do not fit its encryption"));
        }
        if document.mac.len() != 64 {
            return Err(Error::damaged(
                OBJECT,
                "its authentication code has a wrong length",
            ));
        }
        Ok(Self {
            id: document.id,
            created: document.created,
            suite,
            writers: if document.single_writer {
                Writers::One
            } else {
                Writers::Many
            },
            secrets: document.secrets,
            signed: without(bytes, &document.mac),
            mac: document.mac,
        })
    }

    /// Believes what was read: only somebody with the identity secret can have written it.
    pub(crate) fn authenticate(&self, identity: &[u8; 32]) -> Result<(), Error> {
        let expected = data_encoding::HEXLOWER.encode(&config_mac(identity, &self.signed));
        if constant_time_eq(expected.as_bytes(), self.mac.as_bytes()) {
            Ok(())
        } else {
            Err(Error::damaged(
                OBJECT,
                "its authentication code is wrong: it was changed",
            ))
        }
    }
}
