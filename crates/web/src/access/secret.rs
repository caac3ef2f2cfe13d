//! Secrets that cannot be guessed, and what is kept of them.

use ostler_api::webhook::SigningSecret;
use ostler_vocabulary::{ErrorKind, Failure, Secret};

/// The beginning of every token, so that people and scanners of repositories know one when they see it.
const PREFIX: &str = "ostler_";

/// 256 random bits as text.
pub fn random() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(format!(
        "{PREFIX}{}",
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    )))
}

/// A secret to sign messages with, as the specification Standard Webhooks has them.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_signing_secret() -> Result<SigningSecret, Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|_| Failure::new(ErrorKind::Internal, "the system has no random numbers"))?;
    Ok(SigningSecret::new(format!(
        "whsec_{}",
        data_encoding::BASE64.encode(&key)
    )))
}

/// What is stored of a secret. It is random enough that a plain hash tells nothing.
pub fn hash(secret: &str) -> blake3::Hash {
    blake3::hash(secret.as_bytes())
}

/// What a form has to send besides the session's cookie, which other sites can make a browser send.
pub fn form_token(session: &str) -> String {
    let token = blake3::derive_key("ostler 2026 form token of a session", session.as_bytes());
    data_encoding::BASE64URL_NOPAD.encode(&token)
}

/// Compares in a time that does not depend on where they differ.
pub fn same(a: &str, b: &str) -> bool {
    hash(a) == hash(b)
}
