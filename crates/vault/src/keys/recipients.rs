//! age: sealing to `age1…` recipients, opening with `AGE-SECRET-KEY-1…` identities.

use std::io::{Read, Write};
use std::str::FromStr;

use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use ostler_vocabulary::Secret;
use zeroize::Zeroizing;

use crate::Error;

/// Checks that text is a recipient of age.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    Recipient::from_str(text)
        .map(drop)
        .map_err(|reason| Error::BadKey {
            what: "the age recipient",
            reason: format!("`{text}`: {reason}"),
        })
}

/// Seals to all of the recipients; each can open it alone.
pub(super) fn seal(recipients: &[String], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = |reason: String| Error::BadKey {
        what: "the age recipient",
        reason,
    };
    let recipients = recipients
        .iter()
        .map(|text| Recipient::from_str(text).map_err(|reason| wrong(format!("`{text}`: {reason}"))))
        .collect::<Result<Vec<_>, _>>()?;
    let encryptor = Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as _))
        .map_err(|error| wrong(error.to_string()))?;
    let mut sealed = Vec::new();
    let written = (|| {
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(plain)?;
        writer.finish().map(drop)
    })();
    written.map_err(|error| Error::Internal(format!("could not seal to age recipients: {error}")))?;
    Ok(sealed)
}

/// The recipients, `age1…`, of the identities in the text of an identity file.
///
/// # Errors
/// [`Error::BadKey`] when it is not one.
pub fn of_identity(text: &Secret) -> Result<Vec<String>, Error> {
    let identities = identities(text)?;
    Ok(identities
        .iter()
        .map(|identity| identity.to_public().to_string())
        .collect())
}

fn identities(text: &Secret) -> Result<Vec<Identity>, Error> {
    let mut identities = Vec::new();
    for line in text.reveal().lines().map(str::trim) {
        if !line.is_empty() && !line.starts_with('#') {
            identities.push(Identity::from_str(line).map_err(|reason| Error::BadKey {
                what: "the age identity",
                reason: reason.to_owned(),
            })?);
        }
    }
    if identities.is_empty() {
        return Err(Error::BadKey {
            what: "the age identity",
            reason: "it has no line that starts with AGE-SECRET-KEY-1".to_owned(),
        });
    }
    Ok(identities)
}

/// Opens with any of the identities in the text of an identity file; `None` when none of them is a recipient.
pub(super) fn open(text: &Secret, sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let identities = identities(text)?;
    let opened = (|| {
        let decryptor = Decryptor::new(sealed)?;
        let mut plain = Zeroizing::new(Vec::new());
        decryptor
            .decrypt(identities.iter().map(|identity| identity as _))?
            .read_to_end(&mut plain)?;
        Ok::<_, DecryptError>(plain)
    })();
    Ok(opened.ok())
}
