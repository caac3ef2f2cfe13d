//! Whether and how a server proves who it is: `sslmode` over rustls.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{Error, Target, dsn};

/// How much the server has to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Nothing is encrypted.
    Disable,
    /// Encrypted when the server can; nothing is proven. The default, as in every client.
    Prefer,
    /// Encrypted; nothing is proven.
    Require,
    /// Encrypted; the certificate is from an authority we trust.
    VerifyCa,
    /// The same, and it is for the host we asked for.
    VerifyFull,
}

impl TlsMode {
    /// The mode of a word. With an authority at hand `require` verifies it, as in every client.
    pub(crate) fn read(word: Option<&str>, has_root: bool) -> Result<Self, Error> {
        Ok(match word {
            Some("disable") => Self::Disable,
            None | Some("allow" | "prefer") => Self::Prefer,
            Some("require") if has_root => Self::VerifyCa,
            Some("require") => Self::Require,
            Some("verify-ca") => Self::VerifyCa,
            Some("verify-full") => Self::VerifyFull,
            Some(_) => {
                return Err(dsn::wrong(
                    "sslmode means nothing",
                    Some("write disable, prefer, require, verify-ca or verify-full"),
                ));
            }
        })
    }
}

/// What rustls needs to know to connect there.
pub(crate) fn configuration(target: &Target) -> Result<ClientConfig, Error> {
    let wrong = |reason: String| Error::Tls {
        connection: target.name(),
        reason,
    };
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier {
        inner: match target.tls {
            TlsMode::VerifyCa | TlsMode::VerifyFull => {
                let roots = Arc::new(roots(target)?);
                let built = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
                Some(built.map_err(|error| wrong(error.to_string()))?)
            }
            _ => None,
        },
        any_name: target.tls != TlsMode::VerifyFull,
        provider: Arc::clone(&provider),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match (&target.certificate, &target.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(target, certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| wrong(format!("{}: {error}", key.display())))?;
            let built = builder.with_client_auth_cert(chain, key);
            built.map_err(|error| wrong(error.to_string()))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(wrong("sslcert and sslkey come together".to_owned())),
    }
}

fn roots(target: &Target) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let added = match &target.root {
        Some(path) => store.add_parsable_certificates(certificates(target, path)?).0,
        None => {
            store
                .add_parsable_certificates(rustls_native_certs::load_native_certs().certs)
                .0
        }
    };
    if added == 0 {
        return Err(Error::Tls {
            connection: target.name(),
            reason: "there is no authority to trust; `sslrootcert` names its file".to_owned(),
        });
    }
    Ok(store)
}

fn certificates(target: &Target, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| Error::Tls {
            connection: target.name(),
            reason: format!("{}: {error}", path.display()),
        })
}

/// Verifies what the mode says; signatures always.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    any_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is what is checked last: the chain is good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
