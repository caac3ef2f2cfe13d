//! Key files: text that a person can copy, print and type in again.

use ostler_vocabulary::{Secret, Timestamp, VaultId};
use zeroize::Zeroizing;

use crate::{Error, cipher};

const PREFIX: &str = "OSTLER-KEY-1:";
const CHECKSUM: &str = "ostler vault v1 key file checksum";
const FINGERPRINT: &str = "ostler vault v1 key file fingerprint";
const CHECK: usize = 4;

/// What a key file holds: 32 random bytes.
pub(crate) struct FileKey(Zeroizing<[u8; 32]>);

impl FileKey {
    pub(crate) fn random() -> Result<Self, Error> {
        Ok(Self(Zeroizing::new(cipher::random()?)))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells key files apart without giving anything away.
    pub(crate) fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&blake3::derive_key(FINGERPRINT, self.0.as_slice())[..8])
    }

    /// The file's text.
    pub(crate) fn to_text(&self, vault: VaultId, created: Timestamp) -> Secret {
        let mut bytes = Zeroizing::new(self.0.to_vec());
        bytes.extend_from_slice(&checksum(&self.0));
        let encoded = Zeroizing::new(data_encoding::BASE32_NOPAD.encode(&bytes));
        Secret::new(format!(
            "# Key of the Ostler vault {vault}, made {created:.0}.\n\
             # Whoever has it can read every backup in that vault; without it nobody can. Keep a copy elsewhere.\n\
             {PREFIX}{}\n",
            encoded.as_str()
        ))
    }

    /// Reads the text of a key file: comment lines, empty lines and one key; spaces, dashes and case do not matter.
    pub(crate) fn from_text(text: &Secret) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::BadKey {
            what: "the key file",
            reason: reason.to_owned(),
        };
        let mut keys = text
            .reveal()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = keys
            .next()
            .ok_or_else(|| wrong("it has no line that starts with OSTLER-KEY-1:"))?;
        if keys.next().is_some() {
            return Err(wrong("it has more than one line that is not a comment"));
        }
        let encoded = line
            .get(..PREFIX.len())
            .filter(|start| start.eq_ignore_ascii_case(PREFIX))
            .and_then(|_| line.get(PREFIX.len()..))
            .ok_or_else(|| wrong("it has no line that starts with OSTLER-KEY-1:"))?;
        let clean: Zeroizing<String> = Zeroizing::new(
            encoded
                .chars()
                .filter(|c| !c.is_whitespace() && *c != '-')
                .map(|c| c.to_ascii_uppercase())
                .collect(),
        );
        let bytes = Zeroizing::new(
            data_encoding::BASE32_NOPAD
                .decode(clean.as_bytes())
                .map_err(|_| wrong("a character was mistyped or is missing"))?,
        );
        let (key, check) = bytes
            .split_last_chunk::<CHECK>()
            .ok_or_else(|| wrong("it is too short"))?;
        let key: &[u8; 32] = key.try_into().map_err(|_| wrong("its length is wrong"))?;
        if checksum(key) != *check {
            return Err(wrong("its checksum does not fit: a character was mistyped"));
        }
        Ok(Self(Zeroizing::new(*key)))
    }
}

fn checksum(key: &[u8; 32]) -> [u8; CHECK] {
    let digest = blake3::derive_key(CHECKSUM, key);
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::{FileKey, PREFIX};
    use ostler_vocabulary::{Secret, Timestamp, VaultId};

    #[test]
    fn a_key_file_reads_back_however_it_was_typed_and_a_typo_is_found() {
        let key = FileKey::random().unwrap();
        let text = key.to_text(VaultId::random(), Timestamp::UNIX_EPOCH);
        assert_eq!(FileKey::from_text(&text).unwrap().bytes(), key.bytes());
        let line = text.reveal().lines().last().unwrap().to_owned();
        let spaced: String = line.as_bytes()[PREFIX.len()..]
            .chunks(4)
            .map(|group| format!("{}- ", String::from_utf8_lossy(group).to_lowercase()))
            .collect();
        let typed = Secret::new(format!("\n# a comment\n  ostler-key-1: {spaced}\n"));
        assert_eq!(FileKey::from_text(&typed).unwrap().bytes(), key.bytes());

        for position in PREFIX.len()..line.len() {
            for other in ["A", "7", "1", ""] {
                let mut typo = line.clone();
                typo.replace_range(position..=position, other);
                if typo != line {
                    assert!(FileKey::from_text(&Secret::new(typo)).is_err());
                }
            }
        }
        for text in [
            "",
            "# only a comment",
            "OSTLER-KEY-1:",
            "OSTLER-KEY-2:AAAA",
            "ÄÖÜÄÖÜÄÖÜ",
        ] {
            assert!(FileKey::from_text(&Secret::new(text)).is_err());
        }
    }
}
