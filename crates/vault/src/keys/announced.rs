//! That an epoch follows another, for those who do not have its secrets.
//!
//! What names an epoch is sealed with the epoch's own secrets, so that it can prove what it says. Who has not got them has
//! to know all the same whether they exist: then it may write nothing more, and otherwise the name is rubbish that anybody
//! could create. So the object ends with a code by the secrets of the epoch before.

use ostler_store::Key;
use ostler_vocabulary::VaultId;

use super::{ANNOUNCED, Epoch};
use crate::cipher::constant_time_eq;

/// The number of the epoch before, and the code.
const LENGTH: u16 = 4 + 32;

impl Epoch {
    fn announcement_of(&self, vault: VaultId, key: &Key, sealed: &[u8]) -> [u8; 32] {
        let secret = zeroize::Zeroizing::new(blake3::derive_key(ANNOUNCED, self.secret.as_slice()));
        let mut hasher = blake3::Hasher::new_keyed(&secret);
        hasher.update(vault.as_bytes());
        hasher.update(&self.number.to_be_bytes());
        hasher.update(key.as_str().as_bytes());
        hasher.update(sealed);
        *hasher.finalize().as_bytes()
    }
}

/// Adds the code of the epoch before to a sealed object that names the next one, in the place of its signature.
pub(super) fn announce(before: &Epoch, vault: VaultId, key: &Key, sealed: &mut Vec<u8>) {
    // A new object has an empty signature.
    sealed.truncate(sealed.len().saturating_sub(2));
    let code = before.announcement_of(vault, key, sealed);
    sealed.extend_from_slice(&before.number.to_be_bytes());
    sealed.extend_from_slice(&code);
    sealed.extend_from_slice(&LENGTH.to_be_bytes());
}

/// The epoch of these that vouches for an object which names another; `None` when none does.
pub(super) fn announced_by(epochs: &[Epoch], vault: VaultId, key: &Key, bytes: &[u8]) -> Option<u32> {
    let (rest, length) = bytes.split_last_chunk::<2>()?;
    if u16::from_be_bytes(*length) != LENGTH {
        return None;
    }
    let (rest, code) = rest.split_last_chunk::<32>()?;
    let (sealed, number) = rest.split_last_chunk::<4>()?;
    let number = u32::from_be_bytes(*number);
    let before = epochs.iter().find(|epoch| epoch.number == number)?;
    constant_time_eq(&before.announcement_of(vault, key, sealed), code).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_epoch_before_announces_and_only_this_object() {
        let (vault, before) = (VaultId::random(), Epoch::random(3).unwrap());
        let key = Key::new("rounds/epoch-00000007").unwrap();
        let mut bytes = vec![5; 100];
        bytes.extend([0, 0]);
        assert_eq!(announced_by(&[], vault, &key, &bytes), None);
        announce(&before, vault, &key, &mut bytes);
        let epochs = [Epoch::random(2).unwrap(), before];
        assert_eq!(announced_by(&epochs, vault, &key, &bytes), Some(3));
        let other = Key::new("rounds/epoch-00000008").unwrap();
        assert_eq!(announced_by(&epochs, vault, &other, &bytes), None);
        assert_eq!(announced_by(&epochs, VaultId::random(), &key, &bytes), None);
        assert_eq!(
            announced_by(&[Epoch::random(3).unwrap()], vault, &key, &bytes),
            None
        );
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_eq!(announced_by(&epochs, vault, &key, &wrong), None, "byte {at}");
            assert_eq!(
                announced_by(&epochs, vault, &key, &bytes[..at]),
                None,
                "{at} bytes"
            );
        }
    }
}
