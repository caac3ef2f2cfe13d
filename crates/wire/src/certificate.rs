//! The certificates of a cluster: an authority of its own, one for clients, one for each node.

use jiff::civil::Date;
use ostler_vocabulary::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::{Error, Identity};

/// For how many years certificates are made.
const YEARS: i16 = 10;

/// What a certificate is for. One that is for the one is refused for the other: a node cannot command another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Answering, as a node.
    Agent,
    /// Asking, as a coordinator.
    Coordinator,
}

/// Who signs the certificates of a cluster.
#[derive(Debug)]
pub struct Authority {
    cluster: String,
    key: Secret,
}

/// A certificate that was just made.
pub type Issued = Identity;

impl Authority {
    /// A new one, with its key.
    ///
    /// # Errors
    /// [`Error::Credentials`]
    pub fn new(cluster: &str) -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(wrong)?;
        Ok(Self {
            cluster: cluster.to_owned(),
            key: Secret::new(key.serialize_pem()),
        })
    }

    /// The one that has this key, as [`Authority::key`] gave it.
    #[must_use]
    pub fn of(cluster: &str, key: Secret) -> Self {
        Self {
            cluster: cluster.to_owned(),
            key,
        }
    }

    /// Its private key, as PEM.
    #[must_use]
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// Its certificate, as PEM, valid from a day before `today`.
    ///
    /// # Errors
    /// [`Error::Credentials`]
    pub fn certificate(&self, today: Date) -> Result<String, Error> {
        let signed = self.parameters(today)?.self_signed(&self.pair()?);
        Ok(signed.map_err(wrong)?.pem())
    }

    /// A certificate for `name`, signed by this authority, and its key.
    ///
    /// # Errors
    /// [`Error::Credentials`]
    pub fn issue(&self, name: &str, purpose: Purpose, today: Date) -> Result<Issued, Error> {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).map_err(wrong)?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages.push(KeyUsagePurpose::DigitalSignature);
        parameters.extended_key_usages.push(match purpose {
            Purpose::Agent => ExtendedKeyUsagePurpose::ServerAuth,
            Purpose::Coordinator => ExtendedKeyUsagePurpose::ClientAuth,
        });
        valid(&mut parameters, today);
        let issuer = Issuer::new(self.parameters(today)?, self.pair()?);
        let key = KeyPair::generate().map_err(wrong)?;
        let certificate = parameters.signed_by(&key, &issuer).map_err(wrong)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: Secret::new(key.serialize_pem()),
        })
    }

    fn pair(&self) -> Result<KeyPair, Error> {
        KeyPair::from_pem(self.key.reveal()).map_err(wrong)
    }

    fn parameters(&self, today: Date) -> Result<CertificateParams, Error> {
        let mut parameters = CertificateParams::new(Vec::new()).map_err(wrong)?;
        let name = format!("Ostler cluster {}", self.cluster);
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut parameters, today);
        Ok(parameters)
    }
}

/// From the day before, because clocks differ.
fn valid(parameters: &mut CertificateParams, today: Date) {
    let from = today.yesterday().unwrap_or(today);
    let (month, day) = (from.month().unsigned_abs(), from.day().unsigned_abs());
    parameters.not_before = date_time_ymd(from.year().into(), month, day);
    // No 29th of February, which the other year may not have.
    parameters.not_after = date_time_ymd((from.year() + YEARS).into(), month, day.min(28));
}

fn wrong(error: rcgen::Error) -> Error {
    Error::Credentials {
        what: "a certificate that is to be made".to_owned(),
        reason: error.to_string(),
    }
}
