//! Chunks and packs by name.

use std::fmt;
use std::str::FromStr;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = crate::Error;

            fn from_str(text: &str) -> Result<Self, crate::Error> {
                data_encoding::HEXLOWER
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or_else(|| crate::Error::Digest {
                        text: text.to_owned(),
                        what: $what,
                    })
            }
        }
    };
}

digest!(
    /// BLAKE3 of a chunk's plaintext, keyed with the vault's identity secret. Equal bytes have equal ids, whatever
    /// their kind: a chunk is stored once, with the kind of whoever stored it first.
    ChunkId,
    "a chunk id"
);
digest!(
    /// BLAKE3 of a pack's stored bytes; also its name.
    PackId,
    "a pack's name"
);

/// What a chunk holds; decides which pack it goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChunkKind {
    /// Content of files.
    Data,
    /// Blocks of file lists, their directories, and long extent lists.
    List,
}

impl ChunkKind {
    /// The byte that stands for it in the format.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::List => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Data),
            2 => Some(Self::List),
            _ => None,
        }
    }
}
