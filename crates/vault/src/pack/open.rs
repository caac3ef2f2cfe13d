//! Reading packs.

use zeroize::Zeroizing;

use super::layout::{self, Contents, Context, FOOTER, HEADER, PackTable};
use crate::cipher::{Cipher, NotAuthentic};
use crate::{Error, PackId, Vault};

/// The key of one pack, opened once and used for all of its blocks.
#[derive(Debug)]
pub(crate) struct PackKey(Cipher);

impl PackKey {
    /// Opens the key that a pack's header holds.
    pub(crate) fn open(vault: &Vault, pack: PackId, header: &[u8; HEADER]) -> Result<Self, Error> {
        let damaged = |reason: &str| Error::damaged(format!("pack {pack}"), reason);
        let parts = layout::read_header(header, vault.suite(), vault.id()).map_err(damaged)?;
        let keys = vault.keys();
        let epoch = keys.epoch(parts.epoch, format_args!("pack {pack}"))?;
        let key: Zeroizing<[u8; 32]> = epoch
            .open_key(
                vault.suite(),
                vault.id(),
                &super::builder::info(vault.id()),
                parts.sealed_key,
            )
            .map_err(|_| damaged("its key is not what this vault's key sealed"))?;
        Ok(Self(Cipher::new(vault.suite(), &key)))
    }

    /// Decrypts a block where it is; gives what was sealed, which may still be compressed.
    pub(crate) fn open_block<'a>(
        &self,
        number: u32,
        context: &Context,
        bytes: &'a mut [u8],
    ) -> Result<&'a mut [u8], NotAuthentic> {
        self.0.open(layout::nonce(number), context.as_bytes(), bytes)
    }
}

impl PackTable {
    /// Reads the table of a pack from its first and last bytes. `tail` must hold the footer and, where that is not
    /// enough, the answer is how long it must be.
    pub(crate) fn read(
        vault: &Vault,
        id: PackId,
        size: u64,
        header: &[u8; HEADER],
        tail: &[u8],
    ) -> Result<Result<Self, u64>, Error> {
        let damaged = |reason: &str| Error::damaged(format!("pack {id}"), reason);
        let (rest, footer) = tail
            .split_last_chunk::<FOOTER>()
            .ok_or_else(|| damaged("it is too short"))?;
        let (table, signature) =
            layout::read_footer(footer).ok_or_else(|| damaged("its end is not that of a pack"))?;
        let needed = u64::from(table) + u64::from(signature) + FOOTER as u64;
        if needed + HEADER as u64 > size {
            return Err(damaged("its table would be longer than itself"));
        }
        if needed > tail.len() as u64 {
            return Ok(Err(needed));
        }
        let end = rest.len() - usize::from(signature);
        let start = usize::try_from(table)
            .ok()
            .and_then(|table| end.checked_sub(table))
            .ok_or_else(|| damaged("its table would be longer than itself"))?;
        let mut sealed = rest[start..end].to_vec();
        let key = PackKey::open(vault, id, header)?;
        let plain = key
            .0
            .open(layout::TABLE_NONCE, header, &mut sealed)
            .map_err(|_| damaged("its table is not what was sealed"))?;
        let contents = Contents::read(plain).ok_or_else(|| damaged("its table cannot be read"))?;
        let table = Self {
            id,
            size,
            header: *header,
            contents,
        };
        if !table.is_sound() || needed + HEADER as u64 + table.contents.stored() != size {
            return Err(damaged("its table does not fit its size"));
        }
        Ok(Ok(table))
    }

    /// Reads and checks all of a pack: its name, its table, where everything lies. Blocks are not decrypted: their
    /// bytes are those that the name was made of.
    pub(crate) fn read_whole(vault: &Vault, id: PackId, bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |reason: &str| Error::damaged(format!("pack {id}"), reason);
        if *blake3::hash(bytes).as_bytes() != id.0 {
            return Err(damaged("its bytes are not what its name was made of"));
        }
        let header = bytes
            .first_chunk::<HEADER>()
            .ok_or_else(|| damaged("it is too short"))?;
        Self::read(vault, id, bytes.len() as u64, header, bytes)?.map_err(|_| damaged("it is too short"))
    }
}
