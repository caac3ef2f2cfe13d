//! How a server proves who it is, over rustls.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{Error, Target, TlsMode};

/// What rustls needs to know to connect there.
pub(crate) fn configuration(target: &Target) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(target, error.to_string()))?;
    Ok(match target.tls {
        TlsMode::Verify => builder
            .with_root_certificates(roots(target)?)
            .with_no_client_auth(),
        // Without encryption it is never asked.
        TlsMode::Require | TlsMode::Disable => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth(),
    })
}

fn wrong(target: &Target, reason: String) -> Error {
    Error::Tls {
        connection: target.name(),
        reason,
    }
}

fn roots(target: &Target) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let certificates = match &target.root {
        None => rustls_native_certs::load_native_certs().certs,
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|source| Error::File {
                connection: target.name(),
                path: path.clone(),
                source,
            })?;
            CertificateDer::pem_slice_iter(&bytes)
                .collect::<Result<_, _>>()
                .map_err(|error| wrong(target, format!("{}: {error}", path.display())))?
        }
    };
    if store.add_parsable_certificates(certificates).0 == 0 {
        let reason = "there is no authority to trust; `sslrootcert` names its file";
        return Err(wrong(target, reason.to_owned()));
    }
    Ok(store)
}

/// Believes whoever answers; signatures are checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
