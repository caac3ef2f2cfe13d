//! The trials, one for each ability.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use super::{Ability, Answer, Finding};
use crate::{Error, Key, Store, list_all};

/// Writers in a race.
const WRITERS: u8 = 12;
/// Races. A service that lets several win does so in nearly every one.
const RACES: u8 = 2;
/// Bytes of what is created. Larger bodies take longer to arrive, which makes races closer.
const BODY: usize = 4096;

/// What was seen; `Err` says what was wrong.
type Seen = Result<String, String>;

/// Where trials are made.
pub(super) struct Place<'a> {
    store: &'a Arc<dyn Store>,
    prefix: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn new(store: &'a Arc<dyn Store>, prefix: &'a str) -> Self {
        Self { store, prefix }
    }

    /// All of them.
    pub(super) async fn all(&self) -> Result<Vec<Finding>, Error> {
        let found = |ability, seen: Seen| match seen {
            Ok(evidence) => Finding::new(ability, Answer::Yes, evidence),
            Err(evidence) => Finding::new(ability, Answer::No, evidence),
        };
        let mut findings = vec![
            found(Ability::ReadsBack, self.reads_back().await?),
            found(Ability::RefusesOverwrite, self.refuses_overwrite().await?),
            found(Ability::OneWinner, self.one_winner().await?),
            found(Ability::Ranges, self.ranges().await?),
            found(Ability::ListsAtOnce, self.lists_at_once().await?),
            found(Ability::ListsInOrder, self.lists_in_order().await?),
            found(Ability::Deletes, self.deletes().await?),
        ];
        findings.push(self.checksums().await?);
        findings.extend(self.versions().await?);
        Ok(findings)
    }

    async fn reads_back(&self) -> Result<Seen, Error> {
        const OBJECTS: u8 = 3;
        for number in 0..OBJECTS {
            let key = self.key(&format!("read/{number}"))?;
            let body = Bytes::from(vec![number; BODY]);
            self.store.create(&key, body.clone()).await?;
            match self.store.get(&key).await {
                Ok(got) if got == body => {}
                Ok(got) => {
                    return Ok(Err(format!(
                        "of {} bytes that were created {} came back, or others",
                        body.len(),
                        got.len()
                    )));
                }
                Err(error) => {
                    return missing(error, "an object that was just created could not be read");
                }
            }
            match self.store.head(&key).await {
                Ok(object) if object.size == body.len() as u64 => {}
                Ok(object) => {
                    return Ok(Err(format!(
                        "an object of {} bytes is said to have {}",
                        body.len(),
                        object.size
                    )));
                }
                Err(error) => {
                    return missing(error, "an object that was just created could not be looked up");
                }
            }
        }
        Ok(Ok(format!(
            "{OBJECTS} objects were read as soon as they were created"
        )))
    }

    async fn refuses_overwrite(&self) -> Result<Seen, Error> {
        let key = self.key("overwrite")?;
        self.store.create(&key, "first".into()).await?;
        let second = self.store.create(&key, "second".into()).await;
        let there = self.store.get(&key).await;
        Ok(match (second, there) {
            (Err(Error::AlreadyExists(_)), Ok(there)) if there == "first" => {
                Ok("a second object of the same name was refused".to_owned())
            }
            (Err(Error::AlreadyExists(_)), _) => Err(
                "a second object of the same name was said to be refused, and the first one is gone"
                    .to_owned(),
            ),
            (Ok(()), Ok(there)) if there == "first" => {
                Err("a second object of the same name was said to be created, and was not".to_owned())
            }
            (Ok(()), _) => Err("a second object of the same name replaced the first".to_owned()),
            (Err(error), _) => return Err(error),
        })
    }

    async fn one_winner(&self) -> Result<Seen, Error> {
        for race in 0..RACES {
            let key = self.key(&format!("race/{race}"))?;
            let tries = (0..WRITERS).map(|writer| {
                let (store, key) = (Arc::clone(self.store), key.clone());
                tokio::spawn(async move { store.create(&key, vec![writer; BODY].into()).await })
            });
            let mut winners = Vec::new();
            for (writer, tried) in (0..WRITERS).zip(join_all(tries).await) {
                match tried {
                    Ok(Ok(())) => winners.push(writer),
                    Ok(Err(Error::AlreadyExists(_))) => {}
                    Ok(Err(error)) => return Err(error),
                    // Only a defect ends it early.
                    Err(_) => return Ok(Err("a writer ended by a defect".to_owned())),
                }
            }
            let [winner] = winners.as_slice() else {
                return Ok(Err(format!(
                    "{} of {WRITERS} writers of one name were told that they created it",
                    winners.len()
                )));
            };
            match self.store.get(&key).await {
                Ok(there) if there == vec![*winner; BODY] => {}
                Ok(_) => return Ok(Err("the object is another writer's than the winner's".to_owned())),
                Err(error) => return missing(error, "the object that a race was about is not there"),
            }
        }
        Ok(Ok(format!(
            "of {WRITERS} writers of one name one won, {RACES} times"
        )))
    }

    async fn ranges(&self) -> Result<Seen, Error> {
        let key = self.key("range")?;
        let body: Bytes = (0..BODY).map(|at| (at % 251) as u8).collect();
        self.store.create(&key, body.clone()).await?;
        let length = body.len() as u64;
        for (start, end) in [(0, 1), (100, 1000), (length - 1, length)] {
            match self.store.get_range(&key, start..end).await {
                Ok(got) if got == body.slice(start as usize..end as usize) => {}
                Ok(got) => {
                    return Ok(Err(format!(
                        "bytes {start} to {end} came as {} bytes, or others",
                        got.len()
                    )));
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => return Ok(Err(format!("bytes {start} to {end} could not be read: {error}"))),
            }
        }
        match self.store.get_range(&key, length - 1..length + 1).await {
            Err(Error::Short { .. }) => Ok(Ok("three ranges were exact".to_owned())),
            Err(error) if error.is_transient() => Err(error),
            _ => Ok(Err(
                "a range beyond the end was not told from one within".to_owned()
            )),
        }
    }

    async fn lists_at_once(&self) -> Result<Seen, Error> {
        const OBJECTS: usize = 4;
        let prefix = format!("{}/list/", self.prefix);
        for number in 0..OBJECTS {
            self.store
                .create(&self.key(&format!("list/{number}"))?, Bytes::new())
                .await?;
            let listed = match list_all(&**self.store, &prefix).await {
                Ok(listed) => listed.len(),
                Err(error @ Error::Unsupported { .. }) => return Ok(Err(error.to_string())),
                Err(error) => return Err(error),
            };
            if listed != number + 1 {
                return Ok(Err(format!(
                    "right after {} objects were created the listing had {listed}",
                    number + 1
                )));
            }
        }
        Ok(Ok(format!(
            "each of {OBJECTS} objects was listed right after it was created"
        )))
    }

    async fn lists_in_order(&self) -> Result<Seen, Error> {
        // In byte order; the services that sort in another one do it by letters or by language.
        const NAMES: [&str; 7] = ["-", ".0", "0", "=", "B", "_", "a"];
        let prefix = format!("{}/order/", self.prefix);
        let mut keys = Vec::new();
        for name in NAMES {
            keys.push(self.key(&format!("order/{name}"))?);
        }
        for at in [3, 6, 0, 5, 1, 4, 2] {
            self.store.create(&keys[at], Bytes::new()).await?;
        }
        for after in 0..=NAMES.len() {
            let start = after.checked_sub(1).map(|at| &keys[at]);
            let page = match self.store.list(&prefix, start).await {
                Ok(page) => page,
                Err(error @ Error::Unsupported { .. }) => return Ok(Err(error.to_string())),
                Err(error) => return Err(error),
            };
            let listed: Vec<&Key> = page.objects.iter().map(|object| &object.key).collect();
            if listed != keys[after..].iter().collect::<Vec<_>>() {
                return Ok(Err(match start {
                    None => "a listing was not in the order of bytes, or not whole".to_owned(),
                    Some(start) => {
                        format!("a listing behind `{start}` was not in the order of bytes, or not whole")
                    }
                }));
            }
        }
        Ok(Ok(format!(
            "{} names were listed in the order of bytes, from each of them",
            NAMES.len()
        )))
    }

    async fn deletes(&self) -> Result<Seen, Error> {
        let key = self.key("delete/object")?;
        self.store.create(&key, "first".into()).await?;
        match self.store.delete(&key).await {
            Ok(()) => {}
            Err(error @ (Error::Denied { .. } | Error::Unsupported { .. })) => {
                return Ok(Err(error.to_string()));
            }
            Err(error) => return Err(error),
        }
        match self.store.get(&key).await {
            Err(Error::NotFound(_)) => {}
            Ok(_) => return Ok(Err("a deleted object could still be read".to_owned())),
            Err(error) => return Err(error),
        }
        let listed = list_all(&**self.store, &format!("{}/delete/", self.prefix)).await;
        match listed {
            Ok(listed) if listed.is_empty() => {}
            Ok(_) => return Ok(Err("a deleted object was still listed".to_owned())),
            Err(error @ Error::Unsupported { .. }) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error),
        }
        match self.store.create(&key, "again".into()).await {
            Ok(()) => Ok(Ok(
                "a deleted object was gone at once, and its name free".to_owned()
            )),
            Err(Error::AlreadyExists(_)) => Ok(Err("the name of a deleted object stayed taken".to_owned())),
            Err(error) => Err(error),
        }
    }

    async fn checksums(&self) -> Result<Finding, Error> {
        let key = self.key("damaged")?;
        let (answer, evidence) = match self.store.refuses_damage(&key).await? {
            None => (
                Answer::Unknown,
                "uploads to this kind of store have no checksum of their own",
            ),
            Some(true) => (Answer::Yes, "an upload with a wrong checksum was refused"),
            Some(false) => (Answer::No, "an upload with a wrong checksum was taken"),
        };
        Ok(Finding::new(Ability::Checksums, answer, evidence))
    }

    async fn versions(&self) -> Result<[Finding; 2], Error> {
        let both = |answer, evidence: &str| {
            [Ability::Versions, Ability::Locks].map(|ability| Finding::new(ability, answer, evidence))
        };
        let Some(versions) = self.store.versions() else {
            return Ok(both(
                Answer::Unknown,
                "this kind of store has no versions that can be asked for",
            ));
        };
        let kept = match versions.kept().await {
            Ok(kept) => kept,
            Err(error @ (Error::Denied { .. } | Error::Unsupported { .. })) => {
                return Ok(both(Answer::Unknown, &error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let say = |ability, yes: bool, what: &str| {
            let (answer, not) = if yes {
                (Answer::Yes, "")
            } else {
                (Answer::No, "not ")
            };
            Finding::new(
                ability,
                answer,
                format!("{what} is {not}turned on, says the service"),
            )
        };
        Ok([
            say(Ability::Versions, kept.versions, "versioning"),
            say(Ability::Locks, kept.locks, "object lock"),
        ])
    }

    fn key(&self, name: &str) -> Result<Key, Error> {
        Key::new(format!("{}/{name}", self.prefix))
    }

    /// Deletes all that was made, as far as that is allowed.
    pub(super) async fn tidy(&self) {
        let prefix = format!("{}/", self.prefix);
        if let Err(error) = self.delete_all(&prefix).await {
            tracing::debug!(%error, prefix, "what a probe made could not be deleted");
        }
    }

    async fn delete_all(&self, prefix: &str) -> Result<(), Error> {
        let mut objects = list_all(&**self.store, prefix).await?;
        // Listings may be what is wrong with it.
        if objects.is_empty() {
            return Ok(());
        }
        let versions = self.store.versions();
        let deleting = objects.drain(..).map(|object| {
            let versions = versions.clone();
            async move {
                if let Some(versions) = versions
                    && let Ok(all) = versions.of(&object.key).await
                {
                    for version in all {
                        versions.delete_version(&object.key, &version.id).await?;
                    }
                    return Ok(());
                }
                self.store.delete(&object.key).await
            }
        });
        join_all(deleting).await.into_iter().collect()
    }
}

/// A finding where the store says that an object is not there; any other error ends the probe.
fn missing(error: Error, evidence: &str) -> Result<Seen, Error> {
    match error {
        Error::NotFound(_) => Ok(Err(evidence.to_owned())),
        error => Err(error),
    }
}
