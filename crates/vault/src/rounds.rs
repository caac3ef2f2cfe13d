//! Rounds of collection: which packs are marked as going, for new backups to see.
//!
//! At most one round is open: a round is created without replacing, under the number after the highest there is, and
//! only when that one is over. The objects of the highest round stay, so that its number is never used again and a
//! collector that slept cannot open a round that was passed.

use std::collections::HashSet;

use ostler_store::{Key, Object};
use ostler_vocabulary::Timestamp;

use crate::envelope::{Mode, ObjectKind};
use crate::keys::{activated, first_epoch};
use crate::lease::number;
use crate::objects::object_key;
use crate::repair::quarantine_of;
use crate::{Error, PackId, Vault};

pub(crate) const ROUNDS: &str = "rounds/";
const VERSION: u8 = 1;
/// Packs of one round; what is more waits for the next.
pub(crate) const MOST_PACKS: usize = 250_000;

/// An object of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Which packs are going.
    Marked,
    /// They are gone.
    Done,
}

impl Part {
    fn key(self, round: u64) -> Result<Key, Error> {
        let name = match self {
            Self::Marked => "marked",
            Self::Done => "done",
        };
        object_key(format!("{ROUNDS}{round:010}/{name}"))
    }

    pub(crate) fn parse(key: &Key) -> Option<(u64, Self)> {
        let (round, name) = key.as_str().strip_prefix(ROUNDS)?.split_once('/')?;
        let part = match name {
            "marked" => Self::Marked,
            "done" => Self::Done,
            _ => return None,
        };
        Some((number(round)?, part))
    }
}

/// Where the marks of a round are.
pub(crate) fn marked_key(round: u64) -> Result<Key, Error> {
    Part::Marked.key(round)
}

/// An open round.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) number: u64,
    /// When it was opened, by the store's clock.
    pub(crate) opened: Option<Timestamp>,
    pub(crate) packs: HashSet<PackId>,
    /// Bytes by which the store grew when it was opened.
    pub(crate) added: u64,
    /// And by which it shrank.
    pub(crate) freed: u64,
}

/// What is known of all rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds {
    /// The number of the last one; 0 when there was none.
    pub(crate) highest: u64,
    /// The one that is open.
    pub(crate) open: Option<Round>,
    /// Packs that are in quarantine: see [`crate::repair`].
    pub(crate) quarantined: HashSet<PackId>,
}

impl Rounds {
    /// Packs that nothing new may rely on.
    pub(crate) fn avoided(self) -> HashSet<PackId> {
        let mut avoided = self.open.map(|round| round.packs).unwrap_or_default();
        avoided.extend(self.quarantined);
        avoided
    }
}

/// The highest round, and its marks when it is open.
fn highest(objects: &[Object]) -> (u64, Option<&Object>) {
    let parts = || {
        let parts = objects.iter().map(|object| (object, Part::parse(&object.key)));
        parts.filter_map(|(object, part)| part.map(|(round, part)| (object, round, part)))
    };
    let highest = parts().map(|(_, round, _)| round).max().unwrap_or(0);
    let of_it = |wanted| parts().find(|(_, round, part)| *round == highest && *part == wanted);
    let marked = match of_it(Part::Done) {
        Some(_) => None,
        None => of_it(Part::Marked).map(|(object, ..)| object),
    };
    (highest, marked)
}

impl Vault {
    /// The rounds of collection, with the marks of the one that is open. Afterwards the newest key epoch is known.
    pub(crate) async fn rounds(&self) -> Result<Rounds, Error> {
        let objects = self.objects(ROUNDS).await?;
        if let Some(epoch) = objects.iter().filter_map(|object| activated(&object.key)).max() {
            self.learn(epoch).await?;
        }
        let quarantined = self.quarantined_of(&objects).await?;
        let (highest, marked) = highest(&objects);
        let none = |quarantined| Rounds {
            highest,
            open: None,
            quarantined,
        };
        let Some(marked) = marked else {
            return Ok(none(quarantined));
        };
        // It may be gone: only when a later round was opened since.
        let Some(bytes) = self.read_if_there(&marked.key).await? else {
            return Ok(none(quarantined));
        };
        let plain = self.unseal(ObjectKind::Round, &marked.key, &bytes)?;
        let packs = read(&plain).ok_or_else(|| Error::damaged(&marked.key, "its contents cannot be read"))?;
        Ok(Rounds {
            highest,
            quarantined,
            open: Some(Round {
                number: highest,
                opened: marked.modified,
                packs,
                added: 0,
                freed: 0,
            }),
        })
    }

    /// Marks packs as going. `None` when another collector opened this round.
    pub(crate) async fn open_round(
        &self,
        number: u64,
        packs: &HashSet<PackId>,
    ) -> Result<Option<Round>, Error> {
        let key = Part::Marked.key(number)?;
        let mut sorted: Vec<&PackId> = packs.iter().collect();
        sorted.sort_unstable();
        let mut plain = vec![VERSION];
        sorted.iter().for_each(|pack| plain.extend_from_slice(&pack.0));
        let sealed = self.seal(ObjectKind::Round, Mode::Writer, &key, &plain)?;
        let (added, mut freed) = (sealed.len() as u64, 0);
        if !self.create_if_free(&key, sealed).await? {
            return Ok(None);
        }
        for object in self.objects(ROUNDS).await? {
            if Part::parse(&object.key).is_some_and(|(round, _)| round < number) {
                self.remove(&object.key).await?;
                freed += object.size;
            }
        }
        Ok(Some(Round {
            number,
            opened: None,
            packs: packs.clone(),
            added,
            freed,
        }))
    }

    /// Says that everything of a round is gone that may go.
    pub(crate) async fn close_round(&self, number: u64) -> Result<(), Error> {
        let key = Part::Done.key(number)?;
        self.create_if_free(&key, Vec::new()).await.map(drop)
    }

    /// When a round was opened, by the store's clock.
    pub(crate) async fn round_opened(&self, number: u64) -> Result<Option<Timestamp>, Error> {
        let key = Part::Marked.key(number)?;
        let object = self
            .store()
            .head(&key)
            .await
            .map_err(Error::store("look up", &key))?;
        Ok(object.modified)
    }

    /// Whether an object of a round is what was written.
    pub(crate) async fn check_round(&self, key: &Key) -> Result<(), Error> {
        if let Some(pack) = quarantine_of(key) {
            return self.read_quarantine(key, pack).await.map(drop);
        }
        match Part::parse(key) {
            Some((_, Part::Done)) => Ok(()),
            Some((_, Part::Marked)) => {
                let Some(bytes) = self.read_if_there(key).await? else {
                    return Ok(());
                };
                let plain = self.unseal(ObjectKind::Round, key, &bytes)?;
                read(&plain)
                    .map(drop)
                    .ok_or_else(|| Error::damaged(key, "its contents cannot be read"))
            }
            // It was read when the keys were.
            None if activated(key).is_some() => Ok(()),
            None if first_epoch(key).is_some() => self.check_first_epoch(key).await,
            None => Err(Error::damaged(
                key,
                "its name is not that of any object of a vault",
            )),
        }
    }
}

fn read(plain: &[u8]) -> Option<HashSet<PackId>> {
    let (&VERSION, packs) = plain.split_first()? else {
        return None;
    };
    let (packs, rest) = packs.as_chunks::<32>();
    rest.is_empty()
        .then(|| packs.iter().copied().map(PackId).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(names: &[&str]) -> Vec<Object> {
        names
            .iter()
            .map(|name| Object {
                key: Key::new(format!("{ROUNDS}{name}")).unwrap(),
                size: 0,
                modified: None,
            })
            .collect()
    }

    #[test]
    fn only_the_highest_round_can_be_open() {
        for (names, expected) in [
            (&[][..], (0, None)),
            (&["0000000001/marked"], (1, Some("rounds/0000000001/marked"))),
            (&["0000000001/done", "0000000001/marked"], (1, None)),
            // A collector that slept created it again.
            (
                &["0000000001/marked", "0000000002/done", "0000000002/marked"],
                (2, None),
            ),
            (
                &["0000000001/done", "0000000002/marked"],
                (2, Some("rounds/0000000002/marked")),
            ),
            (&["1/marked", "0000000001/other"], (0, None)),
        ] {
            let objects = objects(names);
            let (number, open) = highest(&objects);
            assert_eq!((number, open.map(|o| o.key.as_str())), expected, "{names:?}");
        }
    }

    #[test]
    fn marks_read_back_and_nothing_else_does() {
        let mut plain = vec![VERSION];
        plain.extend([7; 32]);
        plain.extend([9; 32]);
        assert_eq!(
            read(&plain),
            Some(HashSet::from([PackId([7; 32]), PackId([9; 32])]))
        );
        assert_eq!(read(&plain[..40]), None);
        assert_eq!(read(&[2]), None);
        assert_eq!(read(&[]), None);
    }
}
