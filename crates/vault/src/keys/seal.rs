//! Sealing a key to a public key: HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256) with HKDF-SHA256.

use hpke::aead::{AesGcm256, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as Dhkem;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, PskBundle, Serializable};
use zeroize::Zeroizing;

use crate::Error;
use crate::cipher::{NotAuthentic, Suite};

/// Length of an encapsulated key in bytes.
pub(crate) const ENC: usize = 32;
/// Length of a 32-byte key sealed to a public key: encapsulation, ciphertext, tag.
pub(crate) const SEALED_KEY: usize = ENC + 32 + crate::cipher::TAG;

/// A secret key of X25519.
pub(crate) type SecretKey = Zeroizing<[u8; 32]>;

/// What makes sealed bytes authentic beside the public key, which anybody may know.
#[derive(Clone, Copy)]
pub(crate) struct Psk<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) id: &'a [u8],
}

/// A new pair: secret and public key.
pub(crate) fn generate() -> Result<(SecretKey, [u8; 32]), Error> {
    let secret = Zeroizing::new(crate::cipher::random::<32>()?);
    let public = public_of(&secret)?;
    Ok((secret, public))
}

/// The public key that belongs to a secret one.
pub(crate) fn public_of(secret: &[u8; 32]) -> Result<[u8; 32], Error> {
    let wrong = |_| Error::Internal("an X25519 secret key could not be used".to_owned());
    let secret = <Dhkem as Kem>::PrivateKey::from_bytes(secret).map_err(wrong)?;
    Ok(Dhkem::sk_to_pk(&secret).to_bytes().into())
}

/// Seals to `public`: encapsulated key, then ciphertext and tag.
pub(crate) fn seal(
    suite: Suite,
    public: &[u8; 32],
    psk: Option<Psk<'_>>,
    info: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    #[cfg(test)]
    if crate::host::is_simulated() {
        return Ok(stand_in(public, info, plaintext));
    }
    let failed = |error| Error::Internal(format!("could not seal to a public key: {error}"));
    let public = <Dhkem as Kem>::PublicKey::from_bytes(public).map_err(failed)?;
    let mode = match psk {
        Some(psk) => OpModeS::Psk(PskBundle::new(psk.key, psk.id).map_err(failed)?),
        None => OpModeS::Base,
    };
    let mut random = SystemRandom::new()?;
    let (enc, sealed) = match suite {
        Suite::Aes256Gcm => hpke::single_shot_seal::<AesGcm256, HkdfSha256, Dhkem, _>(
            &mode,
            &public,
            info,
            plaintext,
            &[],
            &mut random,
        ),
        Suite::ChaCha20Poly1305 | Suite::None => hpke::single_shot_seal::<
            ChaCha20Poly1305,
            HkdfSha256,
            Dhkem,
            _,
        >(&mode, &public, info, plaintext, &[], &mut random),
    }
    .map_err(failed)?;
    let mut bytes = enc.to_bytes().to_vec();
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// In place of what is sealed, where a hundred thousand histories of a vault are gone through and none is secret.
#[cfg(test)]
fn stand_in(public: &[u8; 32], info: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_keyed(public);
    hasher.update(info).update(plaintext);
    [hasher.finalize().as_bytes().as_slice(), plaintext].concat()
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    suite: Suite,
    secret: &[u8; 32],
    psk: Option<Psk<'_>>,
    info: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
    #[cfg(test)]
    if crate::host::is_simulated() {
        let (_, plain) = sealed.split_at_checked(ENC).ok_or(NotAuthentic)?;
        let public = public_of(secret).map_err(|_| NotAuthentic)?;
        let is_ours = stand_in(&public, info, plain) == sealed;
        return is_ours
            .then(|| Zeroizing::new(plain.to_vec()))
            .ok_or(NotAuthentic);
    }
    let (enc, sealed) = sealed.split_at_checked(ENC).ok_or(NotAuthentic)?;
    let secret = <Dhkem as Kem>::PrivateKey::from_bytes(secret).map_err(|_| NotAuthentic)?;
    let enc = <Dhkem as Kem>::EncappedKey::from_bytes(enc).map_err(|_| NotAuthentic)?;
    let mode = match psk {
        Some(psk) => OpModeR::Psk(PskBundle::new(psk.key, psk.id).map_err(|_| NotAuthentic)?),
        None => OpModeR::Base,
    };
    match suite {
        Suite::Aes256Gcm => {
            hpke::single_shot_open::<AesGcm256, HkdfSha256, Dhkem>(&mode, &secret, &enc, info, sealed, &[])
        }
        Suite::ChaCha20Poly1305 | Suite::None => {
            hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Dhkem>(
                &mode,
                &secret,
                &enc,
                info,
                sealed,
                &[],
            )
        }
    }
    .map(Zeroizing::new)
    .map_err(|_| NotAuthentic)
}

/// The operating system's generator as `hpke` wants it: bytes taken beforehand, so that a failure is an error and
/// not a panic in the middle of a key exchange.
struct SystemRandom {
    bytes: Zeroizing<[u8; 64]>,
    used: usize,
}

impl SystemRandom {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            bytes: Zeroizing::new(crate::cipher::random()?),
            used: 0,
        })
    }
}

impl RngCore for SystemRandom {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_be_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        let end = self.used + into.len();
        assert!(end <= self.bytes.len(), "an encapsulation takes 32 random bytes");
        into.copy_from_slice(&self.bytes[self.used..end]);
        self.used = end;
    }
}

impl CryptoRng for SystemRandom {}
