//! Authenticated encryption of bytes in place, by the vault's suite.

use ring::aead;

use crate::Algorithm;

/// Length of an authentication tag in bytes, in every suite.
pub(crate) const TAG: usize = 16;
/// Length of a nonce in bytes, in every suite.
pub(crate) const NONCE: usize = 12;

/// How a vault's bytes are protected; chosen once, when the vault is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    Aes256Gcm,
    ChaCha20Poly1305,
    /// Not encrypted; a keyed BLAKE3 tag stands where the others have theirs.
    None,
}

impl Suite {
    /// The faster of the two on this machine: AES where the processor has instructions for it.
    pub(crate) fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        let aes =
            std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
        #[cfg(target_arch = "aarch64")]
        let aes = std::arch::is_aarch64_feature_detected!("aes");
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let aes = false;
        if aes {
            Self::Aes256Gcm
        } else {
            Self::ChaCha20Poly1305
        }
    }

    pub(crate) fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Aes256Gcm => Self::Aes256Gcm,
            Algorithm::ChaCha20Poly1305 => Self::ChaCha20Poly1305,
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Aes256Gcm, Self::ChaCha20Poly1305]
            .into_iter()
            .find(|suite| suite.name() == name)
    }
}

/// A key that is ready for use.
pub(crate) enum Cipher {
    Aead(Box<aead::LessSafeKey>),
    Plain(Box<[u8; 32]>),
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(***)")
    }
}

/// The bytes are not what was sealed under this key, nonce and context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

impl Cipher {
    pub(crate) fn new(suite: Suite, key: &[u8; 32]) -> Self {
        let algorithm = match suite {
            Suite::Aes256Gcm => &aead::AES_256_GCM,
            Suite::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
            Suite::None => return Self::Plain(Box::new(*key)),
        };
        match aead::UnboundKey::new(algorithm, key) {
            Ok(key) => Self::Aead(Box::new(aead::LessSafeKey::new(key))),
            Err(_) => unreachable!("both algorithms take keys of 32 bytes"),
        }
    }

    /// Encrypts `bytes` where they are and gives the tag. The caller guarantees that this key never meets this
    /// nonce with other bytes.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE],
        context: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG], NotAuthentic> {
        match self {
            Self::Aead(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                let tag = key
                    .seal_in_place_separate_tag(nonce, aead::Aad::from(context), bytes)
                    .map_err(|_| NotAuthentic)?;
                tag.as_ref().try_into().map_err(|_| NotAuthentic)
            }
            Self::Plain(key) => Ok(plain_tag(key, nonce, context, bytes)),
        }
    }

    /// Checks and decrypts `bytes` (ciphertext, then tag) where they are; gives the plaintext, which is shorter by
    /// the tag.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE],
        context: &[u8],
        bytes: &'a mut [u8],
    ) -> Result<&'a mut [u8], NotAuthentic> {
        match self {
            Self::Aead(key) => key
                .open_in_place(
                    aead::Nonce::assume_unique_for_key(nonce),
                    aead::Aad::from(context),
                    bytes,
                )
                .map_err(|_| NotAuthentic),
            Self::Plain(key) => {
                let split = bytes.len().checked_sub(TAG).ok_or(NotAuthentic)?;
                let (plain, tag) = bytes.split_at_mut(split);
                let expected = plain_tag(key, nonce, context, plain);
                // Not a secret comparison against an online attacker, but blake3's is free.
                if constant_time_eq(&expected, tag) {
                    Ok(plain)
                } else {
                    Err(NotAuthentic)
                }
            }
        }
    }
}

fn plain_tag(key: &[u8; 32], nonce: [u8; NONCE], context: &[u8], bytes: &[u8]) -> [u8; TAG] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&nonce);
    hasher.update(&(context.len() as u64).to_be_bytes());
    hasher.update(context);
    hasher.update(bytes);
    let mut tag = [0; TAG];
    hasher.finalize_xof().fill(&mut tag);
    tag
}

pub(crate) fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Fills an array from the operating system's random generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], crate::Error> {
    let mut bytes = [0; N];
    #[cfg(test)]
    if crate::host::chance(&mut bytes) {
        return Ok(bytes);
    }
    getrandom::fill(&mut bytes).map_err(|error| {
        crate::Error::Internal(format!("the operating system gives no random bytes: {error}"))
    })?;
    Ok(bytes)
}
