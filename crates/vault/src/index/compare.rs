//! What the index says there is, beside what the store says.

use std::collections::HashSet;
use std::iter::Peekable;

use ostler_store::{Key, Object, Page};

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
    /// Packs in the order of their names.
    pub(super) async fn list_packs(&self, after: Option<&Key>) -> Result<Page, Error> {
        let page = self.store().list("packs/", after).await;
        page.map_err(Error::store("list", "packs/"))
    }

    /// Lists all packs, on from a first page where there is one, and goes through the index beside it; both are sorted by name.
    pub(super) async fn compare(
        &self,
        parts: &[Box<dyn Places>],
        first: Option<Page>,
    ) -> Result<Compared, Error> {
        let mut known: Vec<Peekable<Packs<'_>>> = parts.iter().map(|part| part.packs().peekable()).collect();
        let mut compared = Compared::default();
        let mut page = match first {
            Some(page) => page,
            None => self.list_packs(None).await?,
        };
        loop {
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
            page = match page.next {
                Some(after) => self.list_packs(Some(&after)).await?,
                None => break,
            };
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
