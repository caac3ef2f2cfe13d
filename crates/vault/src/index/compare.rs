//! What the index says there is, beside what the store says.

use std::collections::HashSet;
use std::iter::Peekable;

use ostler_store::{Key, Object};

use super::pack_of;
use super::places::{Packs, Places};
use crate::{Error, PackId, Vault};

/// Where they differ.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Named by a segment, and not there with that size.
    pub(super) missing: HashSet<PackId>,
    /// There, and named by no segment.
    pub(super) orphans: Vec<(PackId, Object)>,
}

impl Vault {
    /// Lists all packs and goes through the index beside it; both are sorted by name.
    pub(super) async fn compare(&self, parts: &[Box<dyn Places>]) -> Result<Compared, Error> {
        let mut known: Vec<Peekable<Packs<'_>>> = parts.iter().map(|part| part.packs().peekable()).collect();
        let mut compared = Compared::default();
        let mut after: Option<Key> = None;
        loop {
            let page = self.store().list("packs/", after.as_ref()).await;
            let page = page.map_err(Error::store("list", "packs/"))?;
            for object in page.objects {
                let Some(id) = pack_of(&object.key) else { continue };
                let mut named = false;
                for packs in &mut known {
                    named |= compared.pass(packs, Some((id, object.size)))?;
                }
                if !named {
                    compared.orphans.push((id, object));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for packs in &mut known {
            compared.pass(packs, None)?;
        }
        Ok(compared)
    }
}

impl Compared {
    /// Passes over what is known up to the object that is there; whether that is known.
    fn pass(&mut self, packs: &mut Peekable<Packs<'_>>, there: Option<(PackId, u64)>) -> Result<bool, Error> {
        let reached = |next: &Result<(u32, super::Pack), Error>| match (next, there) {
            (Ok((_, pack)), Some((id, _))) => pack.id <= id,
            _ => true,
        };
        while let Some(next) = packs.next_if(reached) {
            let (_, pack) = next?;
            match there {
                Some((id, size)) if pack.id == id => {
                    if pack.size != size {
                        self.missing.insert(id);
                    }
                    return Ok(true);
                }
                _ => drop(self.missing.insert(pack.id)),
            }
        }
        Ok(false)
    }
}
