//! How every object service is reached: patience, and addresses.

use std::time::Duration;

use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use ostler_vocabulary::Span;

const CONNECT: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(300);
/// Also covers the time that the body takes to be sent, hence not short.
const SILENCE: Duration = Duration::from_secs(120);

/// The HTTP client's settings. `timeout` is for a whole request with its body.
pub(super) fn client(endpoint: Option<&str>, has_credentials: bool, timeout: Option<Span>) -> ClientOptions {
    super::tls::provide();
    let timeout = timeout.map_or(REQUEST, |timeout| timeout.0);
    let is_http = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    ClientOptions::new()
        .with_allow_http(is_http)
        // The library refuses to make a client on a machine without certificates, also one that needs none. A
        // machine's own identity may be asked for by https.
        .with_no_system_certificates(is_http && has_credentials)
        .with_connect_timeout(CONNECT.min(timeout))
        .with_read_timeout(SILENCE.min(timeout))
        .with_timeout(timeout)
}

/// Asking again is the business of a decorator that knows what a lost reply means.
pub(super) fn once() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: Duration::ZERO,
    }
}

/// The endpoint without `/` at its end, or what is wrong with it.
pub(super) fn checked_endpoint(endpoint: &str) -> Result<&str, String> {
    let rest = endpoint
        .strip_prefix("https://")
        .or_else(|| endpoint.strip_prefix("http://"))
        .ok_or("`endpoint` must begin with http:// or https://")?;
    if rest.contains('@') {
        return Err("`endpoint` has credentials in it: they have settings of their own".to_owned());
    }
    if rest.trim_end_matches('/').is_empty() || rest.contains(['?', '#', ' ']) {
        return Err("`endpoint` is not an address".to_owned());
    }
    Ok(endpoint.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::checked_endpoint;

    #[test]
    fn endpoints_with_passwords_or_without_scheme_are_refused() {
        assert_eq!(
            checked_endpoint("http://127.0.0.1:9000/"),
            Ok("http://127.0.0.1:9000")
        );
        for endpoint in [
            "127.0.0.1:9000",
            "ftp://a",
            "https://",
            "http://me:hunter2@host",
            "http://a b",
        ] {
            let refused = checked_endpoint(endpoint).expect_err(endpoint);
            assert!(!refused.contains("hunter2"));
        }
    }
}
