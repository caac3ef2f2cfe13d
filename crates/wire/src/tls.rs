//! Who proves what to whom.

use std::sync::Arc;

use ostler_vocabulary::Secret;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::Error;

/// A certificate with its chain, and its key, both as PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, then what leads to the authority.
    pub certificate: String,
    /// Its private key.
    pub key: Secret,
}

impl Identity {
    fn parts(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let key = PrivateKeyDer::from_pem_slice(self.key.reveal().as_bytes())
            .map_err(|_| wrong("the private key", "it is no key in PEM"))?;
        Ok((certificates(&self.certificate, "the certificate")?, key))
    }
}

/// What an agent needs to accept connections. With an authority, whoever has a certificate of it *for clients* is believed;
/// others may connect and have to show a token.
///
/// # Errors
/// [`Error::Credentials`]
pub fn acceptor(own: &Identity, authority: Option<&str>) -> Result<TlsAcceptor, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS", error))?;
    let builder = match authority {
        Some(authority) => {
            let roots = Arc::new(roots(authority)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| wrong("the authority's certificate", error))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = own.parts()?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| wrong("the agent's certificate and key", error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What a coordinator needs to connect: only agents with a certificate of this authority are believed.
///
/// # Errors
/// [`Error::Credentials`]
pub fn connector(own: Option<&Identity>, authority: &str) -> Result<ClientConfig, Error> {
    client(own, roots(authority)?)
}

/// The same where the authorities are those that this system believes.
///
/// # Errors
/// [`Error::Credentials`]
pub fn connector_by_system(own: Option<&Identity>) -> Result<ClientConfig, Error> {
    let mut store = RootCertStore::empty();
    let known = rustls_native_certs::load_native_certs().certs;
    if store.add_parsable_certificates(known).0 == 0 {
        return Err(wrong("the system's authorities", "there are none"));
    }
    client(own, store)
}

fn client(own: Option<&Identity>, roots: RootCertStore) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS", error))?
        .with_root_certificates(roots);
    match own {
        Some(own) => {
            let (chain, key) = own.parts()?;
            let built = builder.with_client_auth_cert(chain, key);
            built.map_err(|error| wrong("our own certificate and key", error))
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

fn roots(authority: &str) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(authority, "the authority's certificate")? {
        store
            .add(certificate)
            .map_err(|error| wrong("the authority's certificate", error))?;
    }
    Ok(store)
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() => Err(wrong(what, "there is none in the file")),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(what, error)),
    }
}

fn wrong(what: &str, reason: impl ToString) -> Error {
    Error::Credentials {
        what: what.to_owned(),
        reason: reason.to_string(),
    }
}
