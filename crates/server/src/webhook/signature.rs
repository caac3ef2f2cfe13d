//! How messages are signed, so that the receiver knows who sent them, and when.
//!
//! Source: the specification Standard Webhooks, for which there are libraries in many languages: HMAC with SHA-256 over
//! `id.timestamp.body`, in the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

use data_encoding::BASE64;
use ostler_api::webhook::SigningSecret;
use ostler_vocabulary::{ErrorKind, Failure};
use ring::hmac;

const PREFIX: &str = "whsec_";
/// Bytes of a key.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The key in a secret.
pub(crate) fn key(secret: &SigningSecret) -> Result<hmac::Key, Failure> {
    let bytes = secret
        .reveal()
        .trim()
        .strip_prefix(PREFIX)
        .and_then(|text| BASE64.decode(text.as_bytes()).ok())
        .filter(|bytes| LENGTHS.contains(&bytes.len()));
    let wrong = || {
        Failure::new(ErrorKind::Invalid, "this is not a secret to sign with")
            .with_hint("leave it out and one is made; or write whsec_ and 24 to 64 bytes in base 64")
    };
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes.ok_or_else(wrong)?))
}

/// The value of `webhook-signature`.
pub(crate) fn sign(key: &hmac::Key, id: &str, timestamp: i64, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use ostler_api::webhook::SigningSecret;

    use ostler_web::new_signing_secret;

    use super::{key, sign};

    #[test]
    fn a_known_message_has_its_known_signature() {
        // The example of the specification.
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = r#"{"test": 2432232314}"#;
        let signature = sign(
            &key(&secret).unwrap(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            body,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn new_secrets_differ_and_can_be_used_and_others_cannot() {
        let (one, two) = (new_signing_secret().unwrap(), new_signing_secret().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        key(&one).unwrap();
        for wrong in ["", "whsec_", "whsec_AAEC", "hunter2", "whsec_***"] {
            let failure = key(&SigningSecret::new(wrong)).unwrap_err();
            assert!(wrong.is_empty() || !failure.to_string().contains(wrong));
        }
    }
}
