//! Passwords: what is kept of one, whether one is right, and new ones.

use argon2::{Algorithm, Argon2, Params, Version};
use ostler_vocabulary::Secret;

use crate::Error;

/// Characters of a password at least.
pub const SHORTEST: usize = 12;
/// Bytes of a password at most: nobody makes the server hash a book.
const LONGEST: usize = 1024;
const SALT: usize = 16;
const HASH: usize = 32;
/// What OWASP asks for: 19 MiB and two passes.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub salt: Vec<u8>,
    pub hash: Vec<u8>,
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Kept {
    /// What is kept of this one.
    pub fn of(password: &Secret) -> Result<Self, Error> {
        check(password)?;
        let mut salt = vec![0; SALT];
        getrandom::fill(&mut salt).map_err(|source| hashing(&source))?;
        let mut kept = Self {
            salt,
            hash: Vec::new(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
        };
        kept.hash = kept.hashed(password)?;
        Ok(kept)
    }

    /// Stands for somebody who is not there, so that asking for them takes as long.
    pub fn of_nobody() -> Self {
        Self {
            salt: vec![0; SALT],
            hash: vec![0; HASH],
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
        }
    }

    /// Whether it is this one. Takes tens of milliseconds and 19 MiB, on purpose.
    pub fn is(&self, password: &Secret) -> Result<bool, Error> {
        if password.reveal().len() > LONGEST {
            return Ok(false);
        }
        let hash = self.hashed(password)?;
        // Hashes of hashes are compared: the time tells nothing about them.
        Ok(self.hash.len() == HASH && blake3::hash(&hash) == blake3::hash(&self.hash))
    }

    fn hashed(&self, password: &Secret) -> Result<Vec<u8>, Error> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH))
            .map_err(|source| hashing(&source))?;
        let mut hash = vec![0; HASH];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.reveal().as_bytes(), &self.salt, &mut hash)
            .map_err(|source| hashing(&source))?;
        Ok(hash)
    }
}

fn check(password: &Secret) -> Result<(), Error> {
    let text = password.reveal();
    let reason = match text.chars().count() {
        0..SHORTEST => format!("it is shorter than {SHORTEST} characters"),
        _ if text.len() > LONGEST => format!("it is longer than {LONGEST} bytes"),
        _ => return Ok(()),
    };
    Err(Error::Password { reason })
}

fn hashing(source: &dyn std::fmt::Display) -> Error {
    Error::Hashing {
        reason: source.to_string(),
    }
}

/// A password that nobody guesses: 120 random bits in groups that can be typed.
///
/// # Errors
/// When the machine has no randomness.
pub fn new_password() -> Result<Secret, Error> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).map_err(|source| hashing(&source))?;
    let text = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
    let groups: Vec<&str> = (0..text.len()).step_by(6).map(|at| &text[at..at + 6]).collect();
    Ok(Secret::new(groups.join("-")))
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::Secret;

    use super::{Kept, new_password};

    #[test]
    fn the_right_password_is_found_right_and_others_wrong() {
        let password = new_password().unwrap();
        let kept = Kept::of(&password).unwrap();
        assert!(kept.is(&password).unwrap());
        assert!(!kept.is(&Secret::new(format!("{}x", password.reveal()))).unwrap());
        assert!(!Kept::of_nobody().is(&password).unwrap());
        assert_ne!(
            Kept::of(&password).unwrap().hash,
            kept.hash,
            "each has a salt of its own"
        );
    }

    #[test]
    fn passwords_that_are_too_short_or_long_are_refused_and_what_is_kept_tells_nothing() {
        for wrong in ["", "elevenchars", &"x".repeat(1025)] {
            assert!(Kept::of(&Secret::new(wrong)).is_err(), "{wrong}");
        }
        assert!(Kept::of(&Secret::new("twelve chars")).is_ok());
        let text = new_password().unwrap().reveal().to_owned();
        assert_eq!((text.len(), text.matches('-').count()), (27, 3));
    }
}
