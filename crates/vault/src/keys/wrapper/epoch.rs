//! The secrets of epochs: sealed to the public half of a wrapper, opened with its secret half.

use ostler_vocabulary::VaultId;
use zeroize::Zeroizing;

use super::{Wrapper, decode, identity_check};
use crate::Error;
use crate::cipher::Suite;
use crate::keys::seal::{open as open_sealed, public_of, seal as seal_to};
use crate::keys::{Epoch, EpochSecrets};

const EPOCH: &[u8] = b"ostler vault v1 epoch";
const EPOCH_MAGIC: &[u8; 8] = b"OSTLEPO1";

/// The secret half of a wrapper, and what the vault's identity secret must be like.
pub(crate) struct WrapperSecret {
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) identity_check: [u8; 32],
}

impl std::fmt::Debug for WrapperSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrapperSecret(***)")
    }
}

impl Wrapper {
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
}

impl WrapperSecret {
    /// Whether it is the secret half of this wrapper.
    pub(in crate::keys) fn belongs_to(&self, wrapper: &Wrapper) -> bool {
        let public = public_of(&self.secret).ok();
        public.is_some_and(|public| decode(&wrapper.public).as_deref() == Some(public.as_slice()))
    }

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

fn epoch_info(vault: VaultId, wrapper: &str, number: u32) -> Vec<u8> {
    [EPOCH, vault.as_bytes(), wrapper.as_bytes(), &number.to_be_bytes()].concat()
}
