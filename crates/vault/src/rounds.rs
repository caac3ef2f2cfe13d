//! Rounds of collection: which packs are marked as going, for new backups to see.
//!
//! At most one round is open: a round is created without replacing, under the number after the highest there is, and
//! only when that one is over. The objects of the highest round stay, so that its number is never used again and a
//! collector that slept cannot open a round that was passed.
//!
//! Where objects are locked, and a stolen key may only write, names prove nothing: there a round counts by what is sealed in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostler_store::{Key, Object};
use ostler_vocabulary::{BackupId, Classified, ErrorKind, Timestamp};

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
}

/// What is known of all rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds {
    /// The number of the last one; 0 when there was none.
    pub(crate) highest: u64,
    /// The number of the next one.
    pub(crate) next: u64,
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

/// The rounds that were listed when backups were begun, for the first look at the index of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Begun(Arc<Mutex<HashMap<BackupId, Rounds>>>);

impl Begun {
    pub(crate) fn note(&self, backup: BackupId, rounds: Rounds) {
        self.lock().insert(backup, rounds);
    }

    /// Once for each time that it was noted.
    pub(crate) fn take(&self, backup: BackupId) -> Option<Rounds> {
        self.lock().remove(&backup)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BackupId, Rounds>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is listed of a round.
#[derive(Debug, Default, Clone, Copy)]
struct Listed<'a> {
    marked: Option<&'a Object>,
    done: Option<&'a Object>,
}

fn listed(objects: &[Object]) -> BTreeMap<u64, Listed<'_>> {
    let mut rounds: BTreeMap<u64, Listed<'_>> = BTreeMap::new();
    for object in objects {
        match Part::parse(&object.key) {
            Some((round, Part::Marked)) => rounds.entry(round).or_default().marked = Some(object),
            Some((round, Part::Done)) => rounds.entry(round).or_default().done = Some(object),
            None => {}
        }
    }
    rounds
}

impl Vault {
    /// The rounds of collection, with the marks of the one that is open. Afterwards the newest key epoch is known.
    pub(crate) async fn rounds(&self) -> Result<Rounds, Error> {
        self.rounds_of(&self.objects(ROUNDS).await?).await
    }

    /// As [`Vault::rounds`], by a listing of them.
    pub(crate) async fn rounds_of(&self, objects: &[Object]) -> Result<Rounds, Error> {
        if let Some(epoch) = objects.iter().filter_map(|object| activated(&object.key)).max() {
            self.learn(epoch).await?;
        }
        let quarantined = self.quarantined_of(objects).await?;
        let listed = listed(objects);
        let (highest, open) = self.last_round(&listed).await?;
        let mut next = highest + 1;
        while listed.contains_key(&next) {
            next += 1;
        }
        Ok(Rounds {
            highest,
            next,
            open,
            quarantined,
        })
    }

    /// The number of the highest round, and what it marks when it is open.
    async fn last_round(&self, listed: &BTreeMap<u64, Listed<'_>>) -> Result<(u64, Option<Round>), Error> {
        for (number, round) in listed.iter().rev() {
            let locked = self.locks().is_some();
            if let Some(done) = round.done
                && (!locked || self.is_done(&done.key).await?)
            {
                return Ok((*number, None));
            }
            let Some(marked) = round.marked else { continue };
            // It may be gone: only when a later round was opened since.
            let Some(bytes) = self.read_if_there(&marked.key).await? else {
                return Ok((*number, None));
            };
            match self.marks(&marked.key, &bytes) {
                Ok(packs) => {
                    let open = Round {
                        number: *number,
                        opened: marked.modified,
                        packs,
                        added: 0,
                    };
                    return Ok((*number, Some(open)));
                }
                Err(error @ Error::Damaged { .. }) if locked => {
                    tracing::warn!(%error, "passing over a round of collection that nobody opened");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((0, None))
    }

    fn marks(&self, key: &Key, bytes: &[u8]) -> Result<HashSet<PackId>, Error> {
        let plain = self.unseal(ObjectKind::Round, key, bytes)?;
        read(&plain).ok_or_else(|| Error::damaged(key, "its contents cannot be read"))
    }

    /// Whether somebody said that a round is over who could have ended it.
    async fn is_done(&self, key: &Key) -> Result<bool, Error> {
        let Some(bytes) = self.read_if_there(key).await? else {
            return Ok(true);
        };
        match self.unseal(ObjectKind::Round, key, &bytes) {
            // Of an epoch that this key does not open, which sees nothing of what is collected either.
            Ok(_) | Err(Error::EpochUnknown { .. }) => Ok(true),
            Err(Error::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
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
        let added = sealed.len() as u64;
        if !self.create_if_free(&key, sealed).await? {
            return Ok(None);
        }
        Ok(Some(Round {
            number,
            opened: None,
            packs: packs.clone(),
            added,
        }))
    }

    /// Removes the objects of earlier rounds than this one, which is open. Gives the bytes by which the store shrank.
    pub(crate) async fn clear_rounds(&self, number: u64) -> Result<u64, Error> {
        let mut earlier = self.objects(ROUNDS).await?;
        earlier.retain(|object| Part::parse(&object.key).is_some_and(|(round, _)| round < number));
        let freed = earlier.iter().map(|object| object.size).sum();
        self.remove_all(earlier.into_iter().map(|object| object.key).collect())
            .await?;
        Ok(freed)
    }

    /// Says that everything of a round is gone that may go. Gives the bytes by which the store grew.
    pub(crate) async fn close_round(&self, number: u64) -> Result<u64, Error> {
        let key = Part::Done.key(number)?;
        let sealed = self.seal(ObjectKind::Round, Mode::Writer, &key, &[VERSION])?;
        let size = sealed.len() as u64;
        Ok(match self.create_if_free(&key, sealed).await? {
            true => size,
            false => 0,
        })
    }

    /// Whether a round is over, asked for by name: a listing may be late.
    pub(crate) async fn is_over(&self, round: u64) -> Result<bool, Error> {
        let key = Part::Done.key(round)?;
        match self.store().head(&key).await {
            Ok(_) => Ok(self.locks().is_none() || self.is_done(&key).await?),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::store("look up", &key)(error)),
        }
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
            // Rounds that earlier versions of this program ended have nothing in it.
            Some((_, Part::Done)) => match self.read_if_there(key).await? {
                Some(bytes) if !bytes.is_empty() => self.unseal(ObjectKind::Round, key, &bytes).map(drop),
                _ => Ok(()),
            },
            Some((_, Part::Marked)) => match self.read_if_there(key).await? {
                Some(bytes) => self.marks(key, &bytes).map(drop),
                None => Ok(()),
            },
            // It was read when the keys were.
            None if activated(key).is_some_and(|number| !self.keys().is_foreign(number)) => Ok(()),
            None if activated(key).is_some() => {
                Err(Error::damaged(key, "nobody made it who has the vault's secrets"))
            }
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
    fn what_is_listed_of_rounds_is_known_by_its_name() {
        for (names, expected) in [
            (&[][..], &[][..]),
            (&["0000000001/marked"], &[(1, true, false)]),
            (&["0000000001/done", "0000000001/marked"], &[(1, true, true)]),
            (
                &["0000000001/marked", "0000000002/done", "0000000002/marked"],
                &[(1, true, false), (2, true, true)],
            ),
            (&["1/marked", "0000000001/other", "epoch-00000001"], &[]),
        ] {
            let objects = objects(names);
            let listed: Vec<(u64, bool, bool)> = listed(&objects)
                .into_iter()
                .map(|(number, round)| (number, round.marked.is_some(), round.done.is_some()))
                .collect();
            assert_eq!(listed, expected, "{names:?}");
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
