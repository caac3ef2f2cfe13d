//! Names that carry facts: AES-SIV (RFC 5297), so that the same facts of the same backup give the same name.

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use ostler_vocabulary::BackupId;

use crate::envelope::ObjectKind;
use crate::{Error, Vault};

/// The longest part of a key that every store takes.
const LONGEST: usize = 255;
/// `<backup id>.` stands before what is made here.
const BEFORE: usize = 33;

/// What a name's facts are; bound to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// What a listing shows of a commit.
    Facts,
    Proof,
    Mark,
}

impl NameKind {
    const ALL: [Self; 3] = [Self::Facts, Self::Proof, Self::Mark];

    /// What the body of such a note is.
    pub(crate) fn body(self) -> ObjectKind {
        match self {
            Self::Facts | Self::Proof => ObjectKind::Proof,
            Self::Mark => ObjectKind::Mark,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Facts => 1,
            Self::Proof => 2,
            Self::Mark => 3,
        }
    }
}

impl Vault {
    /// `<epoch>.<sealed>`, to stand after `notes/<backup id>.`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the facts do not fit into a name.
    pub(crate) fn seal_name(&self, kind: NameKind, backup: BackupId, facts: &[u8]) -> Result<String, Error> {
        let keys = self.keys();
        let epoch = keys.newest()?;
        let room = name_room(epoch.number);
        if facts.len() > room {
            return Err(Error::TooLarge {
                what: "what a name should carry".to_owned(),
                size: facts.len() as u64,
                limit: room as u64,
            });
        }
        let code = [kind.code()];
        let vault = self.id();
        let headers: [&[u8]; 3] = [vault.as_bytes(), backup.as_bytes(), &code];
        let sealed = Aes256Siv::new(epoch.name_key().into())
            .encrypt(headers, facts)
            .map_err(|_| Error::Internal("could not seal a name".to_owned()))?;
        Ok(format!(
            "{}.{}",
            epoch.number,
            data_encoding::BASE64URL_NOPAD.encode(&sealed)
        ))
    }

    /// The facts of a name that [`Vault::seal_name`] made for this kind and backup.
    pub(crate) fn unseal_name(&self, kind: NameKind, backup: BackupId, text: &str) -> Result<Vec<u8>, Error> {
        let damaged = |reason: &str| Error::damaged(format!("notes/{backup}.{text}"), reason);
        let (epoch, sealed) = text
            .split_once('.')
            .ok_or_else(|| damaged("its name has no epoch"))?;
        let number = epoch.parse().map_err(|_| damaged("its name has no key epoch"))?;
        let keys = self.keys();
        let epoch = keys.epoch(number, format_args!("notes/{backup}.{text}"))?;
        let sealed = data_encoding::BASE64URL_NOPAD
            .decode(sealed.as_bytes())
            .map_err(|_| damaged("its name is not base64url"))?;
        let code = [kind.code()];
        let vault = self.id();
        let headers: [&[u8]; 3] = [vault.as_bytes(), backup.as_bytes(), &code];
        Aes256Siv::new(epoch.name_key().into())
            .decrypt(headers, &sealed)
            .map_err(|_| damaged("its name is not what this vault's key sealed"))
    }

    /// The facts of a name of any kind.
    pub(crate) fn unseal_any_name(&self, backup: BackupId, text: &str) -> Result<(NameKind, Vec<u8>), Error> {
        let mut last = None;
        for kind in NameKind::ALL {
            match self.unseal_name(kind, backup, text) {
                Ok(facts) => return Ok((kind, facts)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::Internal("there are no kinds of names".to_owned())))
    }
}

/// How many bytes of facts fit into one name.
pub(crate) fn name_room(epoch: u32) -> usize {
    (LONGEST - BEFORE - epoch.to_string().len() - 1) * 3 / 4 - 16
}
