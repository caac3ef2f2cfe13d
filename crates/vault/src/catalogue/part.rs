//! Which part of a backup's packs a proof read.

use std::fmt;
use std::str::FromStr;

use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use crate::PackId;

/// A set of folders of packs: a pack is in the folder of the first byte of its name. Names are digests, so each folder
/// has about one part in 256 of a backup's bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Folders([u8; 32]);

impl Folders {
    /// How many folders there are.
    pub const COUNT: u16 = 256;

    /// Every folder.
    #[must_use]
    pub fn all() -> Self {
        Self([0xff; 32])
    }

    /// The folder a pack is in.
    #[must_use]
    pub fn of(pack: &PackId) -> u8 {
        pack.0[0]
    }

    /// Adds a folder.
    pub fn insert(&mut self, folder: u8) {
        self.0[usize::from(folder / 8)] |= 0x80 >> (folder % 8);
    }

    /// Whether the folder is one of them.
    #[must_use]
    pub fn contains(&self, folder: u8) -> bool {
        self.0[usize::from(folder / 8)] & (0x80 >> (folder % 8)) != 0
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that are in one of the two.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        for (byte, other) in self.0.iter_mut().zip(other.0) {
            *byte |= other;
        }
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Folders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Folders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Folders {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("it is not 64 hexadecimal digits")
    }
}

ostler_vocabulary::serde_as_text!(Folders);

/// What a proof says of the part it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRead {
    /// Every pack that the backup needs from these folders was read whole.
    pub folders: Folders,
    /// With this proof and those before it, every pack that the backup needs was read at this time or later, and after it
    /// was stored; `None` while one was not.
    pub since: Option<Timestamp>,
}
