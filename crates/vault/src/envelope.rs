//! Sealed objects: everything in a vault that is not a pack, a wrapper or `vault.json`.

use ostler_store::Key;
use ostler_vocabulary::VaultId;
use zeroize::Zeroizing;

use crate::cipher::{Cipher, NONCE, Suite, TAG};
use crate::keys::{Epoch, SEALED_KEY};
use crate::{Error, Vault, cipher};

const MAGIC: &[u8; 8] = b"OSTLOBJ1";
const FIXED: usize = 16;
const SALT: usize = 32;
const INFO: &[u8] = b"ostler vault v1 object key";

/// What a sealed object is; bound to its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    Index,
    Intent,
    Record,
    /// Stands where a record would have, so that a revoked writer cannot commit.
    Tombstone,
    Proof,
    Mark,
    Lease,
    /// The packs that a round of collection is to free.
    Round,
    /// What was found out about the store.
    Probe,
    /// That a key epoch follows another.
    Epoch,
    /// That a pack is damaged.
    Quarantine,
}

impl ObjectKind {
    fn code(self) -> u8 {
        match self {
            Self::Index => 1,
            Self::Intent => 2,
            Self::Record => 3,
            Self::Tombstone => 4,
            Self::Proof => 5,
            Self::Mark => 6,
            Self::Lease => 7,
            Self::Round => 8,
            Self::Probe => 16,
            Self::Epoch => 9,
            Self::Quarantine => 10,
        }
    }
}

/// Who can read a sealed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every writer: what writers need of one another.
    Writer,
    /// Holders of the vault's secret key only.
    Public,
}

impl Mode {
    fn code(self) -> u8 {
        match self {
            Self::Writer => 1,
            Self::Public => 2,
        }
    }
}

impl Vault {
    /// Seals `plaintext` as the object `key`, with the secrets of the current epoch.
    pub(crate) fn seal(
        &self,
        kind: ObjectKind,
        mode: Mode,
        key: &Key,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let keys = self.keys();
        seal_by(
            self.suite(),
            self.id(),
            keys.newest()?,
            kind,
            mode,
            key,
            plaintext,
        )
    }

    /// Checks that `bytes` are the object `key` of this vault and of this kind, and gives what was sealed.
    pub(crate) fn unseal(&self, kind: ObjectKind, key: &Key, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let keys = self.keys();
        unseal_by(
            self.suite(),
            self.id(),
            |epoch| keys.epoch(epoch, key),
            kind,
            key,
            bytes,
        )
    }
}

/// The epoch that a sealed object names; `None` when it is none.
pub(crate) fn epoch_of(bytes: &[u8]) -> Option<u32> {
    let fixed = bytes.first_chunk::<FIXED>()?;
    fixed
        .starts_with(MAGIC)
        .then(|| u32::from_be_bytes([fixed[12], fixed[13], fixed[14], fixed[15]]))
}

/// Whether a sealed object says that it is of this kind. Nothing vouches for that.
pub(crate) fn claims_to_be(kind: ObjectKind, bytes: &[u8]) -> bool {
    let fixed = bytes.first_chunk::<FIXED>();
    fixed.is_some_and(|fixed| fixed.starts_with(MAGIC) && fixed[9] == kind.code())
}

/// Seals `plaintext` as the object `key` of a vault, with the secrets of this epoch.
pub(crate) fn seal_by(
    suite: Suite,
    vault: VaultId,
    epoch: &Epoch,
    kind: ObjectKind,
    mode: Mode,
    key: &Key,
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(FIXED + SEALED_KEY + plaintext.len() + TAG + 2);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[suite.code(), kind.code(), mode.code(), 0]);
    bytes.extend_from_slice(&epoch.number.to_be_bytes());
    let object_key = match mode {
        Mode::Writer => {
            let salt = cipher::random::<SALT>()?;
            bytes.extend_from_slice(&salt);
            epoch.object_key(&salt)
        }
        Mode::Public => {
            let object_key = Zeroizing::new(cipher::random::<32>()?);
            bytes.extend_from_slice(&epoch.seal_key(suite, vault, &info(vault), &object_key)?);
            object_key
        }
    };
    let context = context(&bytes, vault, key);
    let start = bytes.len();
    bytes.extend_from_slice(plaintext);
    let tag = Cipher::new(suite, &object_key)
        .seal([0; NONCE], &context, &mut bytes[start..])
        .map_err(|_| Error::Internal(format!("could not seal `{key}`")))?;
    bytes.extend_from_slice(&tag);
    bytes.extend_from_slice(&0_u16.to_be_bytes());
    Ok(bytes)
}

/// Opens what [`seal_by`] made; `find` gives the epoch that it names.
pub(crate) fn unseal_by<'a>(
    suite: Suite,
    vault: VaultId,
    find: impl FnOnce(u32) -> Result<&'a Epoch, Error>,
    kind: ObjectKind,
    key: &Key,
    bytes: &[u8],
) -> Result<Vec<u8>, Error> {
    let damaged = |reason: &str| Error::damaged(key, reason);
    let (fixed, rest) = bytes
        .split_first_chunk::<FIXED>()
        .ok_or_else(|| damaged("it is too short"))?;
    if !fixed.starts_with(MAGIC) {
        return Err(damaged("it is not a sealed object of format 1"));
    }
    if fixed[8] != suite.code() {
        return Err(damaged("it was sealed by another suite than the vault's"));
    }
    if fixed[9] != kind.code() {
        return Err(damaged("it is another kind of object"));
    }
    let epoch = find(u32::from_be_bytes([fixed[12], fixed[13], fixed[14], fixed[15]]))?;
    let not_ours = || damaged("its bytes are not what this vault's key sealed");
    let (object_key, rest) = if fixed[10] == Mode::Writer.code() {
        let (salt, rest) = rest
            .split_first_chunk::<SALT>()
            .ok_or_else(|| damaged("it is too short"))?;
        (epoch.object_key(salt), rest)
    } else if fixed[10] == Mode::Public.code() {
        let (sealed, rest) = rest
            .split_at_checked(SEALED_KEY)
            .ok_or_else(|| damaged("it is too short"))?;
        let opened = epoch.open_key(suite, vault, &info(vault), sealed);
        (opened.map_err(|_| not_ours())?, rest)
    } else {
        return Err(damaged("its mode is not known"));
    };
    let header = &bytes[..bytes.len() - rest.len()];
    let (rest, signature) = rest
        .split_last_chunk::<2>()
        .ok_or_else(|| damaged("it is too short"))?;
    // A signature may stand here in a later version; this version neither makes nor checks one.
    let ciphertext = rest
        .len()
        .checked_sub(usize::from(u16::from_be_bytes(*signature)))
        .and_then(|end| rest.get(..end))
        .ok_or_else(|| damaged("it is too short"))?;
    let mut plaintext = ciphertext.to_vec();
    let length = Cipher::new(suite, &object_key)
        .open([0; NONCE], &context(header, vault, key), &mut plaintext)
        .map_err(|_| not_ours())?
        .len();
    plaintext.truncate(length);
    Ok(plaintext)
}

fn info(vault: VaultId) -> Vec<u8> {
    [INFO, vault.as_bytes()].concat()
}

/// What is authenticated with the ciphertext: the header, the vault, and where the object stands. The name of an
/// index segment is made of its bytes and cannot be in them; its folder stands for it.
fn context(header: &[u8], vault: VaultId, key: &Key) -> Vec<u8> {
    let name = key.as_str();
    let bound = if name.starts_with("index/") {
        "index/"
    } else {
        name
    };
    [header, vault.as_bytes(), bound.as_bytes()].concat()
}
