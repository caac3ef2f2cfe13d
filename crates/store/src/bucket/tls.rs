//! The one TLS stack: rustls over `ring`, which also encrypts the packs.

use rustls::crypto::{CryptoProvider, ring};

/// Gives the process its provider of TLS, which the HTTP client looks for and panics without. A provider that is
/// there stays, so this may be called at any time, by any number of threads.
pub fn provide() {
    if CryptoProvider::get_default().is_none() {
        // The error says that another thread was first, which is as good.
        let _ = ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustls::crypto::CryptoProvider;

    use crate::{Bucket, S3Options};

    #[test]
    fn clients_for_https_are_made_by_many_threads_and_again() {
        let options = S3Options {
            endpoint: Some("https://127.0.0.1:1".into()),
            ..S3Options::default()
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Bucket::s3("bucket", "", &options).expect("a client"));
            }
        });
        Bucket::s3("bucket", "", &options).expect("one more client");
        assert!(CryptoProvider::get_default().is_some());
    }
}
