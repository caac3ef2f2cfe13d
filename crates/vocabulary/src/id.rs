//! Names that are random: backups, operations, vaults.

use std::fmt;
use std::str::FromStr;

/// A string that is not an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an id: expected 32 hexadecimal digits")]
pub struct IdError(String);

impl crate::Classified for IdError {
    fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new id from the operating system's random generator.
            ///
            /// # Panics
            /// When the operating system has no random generator, in which case nothing here is safe to run.
            #[must_use]
            pub fn random() -> Self {
                let mut bytes = [0; 16];
                #[allow(clippy::expect_used, reason = "no safe way to go on without randomness")]
                getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
                Self(bytes)
            }

            /// The id with these bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes of the id.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The first eight digits: what tables show, and a unique prefix in nearly every case.
            #[must_use]
            pub fn short(&self) -> String {
                self.to_string()[..8].to_owned()
            }
        }

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
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = data_encoding::HEXLOWER_PERMISSIVE
                    .decode(text.as_bytes())
                    .map_err(|_| IdError(text.to_owned()))?;
                Ok(Self(bytes.try_into().map_err(|_| IdError(text.to_owned()))?))
            }
        }

        $crate::serde_as_text!($name);
    };
}

id!(
    /// Names a backup, everywhere and for good.
    BackupId
);
id!(
    /// Names an operation, everywhere and for good.
    OperationId
);
id!(
    /// Names a vault; part of what every sealed byte in it is bound to.
    VaultId
);
