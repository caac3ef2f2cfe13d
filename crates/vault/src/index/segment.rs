//! Index segments: the tables of some packs, sealed for writers.

use bytes::Bytes;
use ostler_store::Key;

use crate::envelope::{Mode, ObjectKind};
use crate::objects::Then;
use crate::pack::{Contents, HEADER, PackTable};
use crate::{Error, PackId, Vault};

const VERSION: u8 = 1;

impl Vault {
    /// Writes an index segment for these packs, which must be in the store; gives its size in bytes, 0 when there
    /// was nothing to write.
    pub(crate) async fn write_segment(&self, packs: &[PackTable], then: Then) -> Result<u64, Error> {
        if packs.is_empty() {
            return Ok(0);
        }
        // A segment's own name is made of its bytes; only its folder is bound to them.
        let folder = Key::new("index/segment").map_err(Error::store("name", "index/"))?;
        let bytes = Bytes::from(self.seal(ObjectKind::Index, Mode::Writer, &folder, &write(packs))?);
        let name = format!("index/{}", blake3::hash(&bytes).to_hex());
        let key = Key::new(&*name).map_err(Error::store("name", &name))?;
        let size = bytes.len() as u64;
        self.create_named(&key, bytes, then).await?;
        Ok(size)
    }
}

/// The plaintext of a segment.
fn write(packs: &[PackTable]) -> Vec<u8> {
    let tables: usize = packs.iter().map(|pack| pack.contents.size()).sum();
    let mut bytes = Vec::with_capacity(1 + packs.len() * (32 + 8 + HEADER + 4) + tables);
    bytes.push(VERSION);
    for pack in packs {
        bytes.extend_from_slice(&pack.id.0);
        bytes.extend_from_slice(&pack.size.to_be_bytes());
        bytes.extend_from_slice(&pack.header);
        let length = u32::try_from(pack.contents.size()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        pack.contents.write(&mut bytes);
    }
    bytes
}

/// Reads the object `key`.
pub(crate) fn parse(vault: &Vault, key: &Key, bytes: &[u8]) -> Result<Vec<PackTable>, Error> {
    let name = key.as_str().strip_prefix("index/").unwrap_or_default();
    if name != blake3::hash(bytes).to_hex().as_str() {
        return Err(Error::damaged(key, "its bytes are not what its name was made of"));
    }
    let plain = vault.unseal(ObjectKind::Index, key, bytes)?;
    read(&plain).ok_or_else(|| Error::damaged(key, "its contents cannot be read"))
}

fn read(plain: &[u8]) -> Option<Vec<PackTable>> {
    let (&version, mut rest) = plain.split_first()?;
    if version != VERSION {
        return None;
    }
    let mut packs = Vec::new();
    while !rest.is_empty() {
        let (id, after) = rest.split_first_chunk::<32>()?;
        let (size, after) = after.split_first_chunk::<8>()?;
        let (header, after) = after.split_first_chunk::<HEADER>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (contents, after) = after.split_at_checked(length)?;
        let table = PackTable {
            id: PackId(*id),
            size: u64::from_be_bytes(*size),
            header: *header,
            contents: Contents::read(contents)?,
        };
        if !table.is_sound() {
            return None;
        }
        packs.push(table);
        rest = after;
    }
    Some(packs)
}
