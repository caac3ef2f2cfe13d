//! Making a backup beside others: an intent before anything is read, signs of life, one commit.
//!
//! Who begins says so first (the intent), then looks at what is marked as going, then reads the index. A collector
//! marks first, then looks at who has begun. So one of the two sees the other: either the backup does not rely on what
//! is marked, or the collector waits for its end, or takes the key of its commit record away.
//! `docs/adr/0007-many-writers.md` has the argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ostler_vocabulary::{BackupId, Classified, OperationId, ProcessIdentity, Timestamp};

use crate::catalogue::{AtRecord, intent_key};
use crate::host::{Bug, bug};
use crate::lease::{BACKUP, Chain, Claim, Lease, LeaseHolder, Link, backup_chain};
use crate::{Error, Intent, PackId, Record, Vault, Writers};

/// How long a backup waits for the one that is being made, where there may be one at a time.
const EXCLUSIVE_WAIT: Duration = Duration::from_secs(120);

/// Who makes a backup, from its intent to its commit. Shows life by a task until it is finished or dropped; one that
/// is dropped may be resumed, and is given up by a collector after a while.
#[derive(Debug)]
pub struct Writer {
    vault: Arc<Vault>,
    backup: BackupId,
    /// `None` when the backup was committed before and nobody can commit it again.
    lease: Option<Lease>,
    /// The vault's exclusive lease, where it has one writer at a time.
    exclusive: Option<Lease>,
    /// Nobody else made or makes this backup.
    sole: bool,
    /// The round whose marks were seen before anything was relied on.
    saw: Option<u64>,
    tried: AtomicBool,
    /// A request to create the record was not answered: it may still have its effect.
    doubtful: AtomicBool,
}

impl Vault {
    /// Says what a backup will be, before anything else of it is done. When the same operation said so before it is
    /// resumed, as by [`Vault::resume`].
    ///
    /// # Errors
    /// [`Error::Conflict`] when another operation has this backup's id; and what [`Vault::resume`] says.
    pub async fn begin(self: &Arc<Self>, intent: &Intent) -> Result<Writer, Error> {
        let exclusive = self.exclude_others(intent).await?;
        let rounds = loop {
            let epoch = self.keys().current();
            if !self.create_intent(intent).await? {
                return self.go_on(intent, exclusive, true).await;
            }
            let rounds = self.rounds().await?;
            // Whoever gives up an epoch goes by the intents: one that is sealed with it belongs to a backup that may be.
            if self.keys().current() == epoch {
                break rounds;
            }
            self.remove(&intent_key(intent.backup)?).await?;
        };
        let prefix = backup_chain(intent.backup);
        self.begun().note(intent.backup, rounds.clone());
        let saw = match rounds.open {
            Some(round) => {
                let key = Link::Saw(round.number).key(&prefix, 1)?;
                self.create_if_free(&key, Bytes::new()).await?;
                Some(round.number)
            }
            None => None,
        };
        Ok(Writer {
            vault: Arc::clone(self),
            backup: intent.backup,
            lease: Some(Lease::start(self, prefix, 1)),
            exclusive,
            sole: true,
            saw,
            tried: AtomicBool::new(false),
            doubtful: AtomicBool::new(false),
        })
    }

    /// Goes on with a backup that an earlier attempt of the same operation began.
    ///
    /// # Errors
    /// [`Error::Busy`] when whoever made it may still live and is not an earlier owner of the operation; [`Error::Revoked`] when it was given up meanwhile;
    /// [`Error::Conflict`] when it is another operation's.
    pub async fn resume(self: &Arc<Self>, intent: &Intent) -> Result<Writer, Error> {
        let exclusive = self.exclude_others(intent).await?;
        self.go_on(intent, exclusive, true).await
    }

    /// As [`Vault::begin`], for a copy of another vault's backup, which is to have the same id whoever makes it: what
    /// another operation has begun and left is gone on with.
    ///
    /// # Errors
    /// As [`Vault::resume`], but for another operation.
    pub async fn begin_copy(self: &Arc<Self>, intent: &Intent) -> Result<Writer, Error> {
        match self.intent(intent.backup).await? {
            None => self.begin(intent).await,
            Some(_) => {
                let exclusive = self.exclude_others(intent).await?;
                self.go_on(intent, exclusive, false).await
            }
        }
    }

    /// What is at the place of a backup that is to be made.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn place(&self, id: BackupId) -> Result<Place, Error> {
        Ok(match self.at_record(id).await? {
            AtRecord::Nothing => Place::Free,
            AtRecord::Record => Place::Taken,
            AtRecord::Tombstone => Place::RuledOut,
        })
    }

    /// Takes the vault's exclusive lease where it has one writer at a time.
    async fn exclude_others(&self, intent: &Intent) -> Result<Option<Lease>, Error> {
        if self.writers() == Writers::Many {
            return Ok(None);
        }
        let holder = LeaseHolder {
            process: intent.owner.clone(),
            operation: intent.operation,
            purpose: BACKUP.to_owned(),
        };
        let told = |holder: &LeaseHolder| {
            tracing::info!(
                host = holder.process.host,
                purpose = holder.purpose,
                "waiting for the vault's only writer"
            );
        };
        self.lease(holder, EXCLUSIVE_WAIT, &told).await.map(Some)
    }

    async fn go_on(
        self: &Arc<Self>,
        intent: &Intent,
        exclusive: Option<Lease>,
        same_operation: bool,
    ) -> Result<Writer, Error> {
        let id = intent.backup;
        let resumed = |lease| Writer {
            vault: Arc::clone(self),
            backup: id,
            lease,
            exclusive,
            sole: false,
            saw: None,
            tried: AtomicBool::new(false),
            doubtful: AtomicBool::new(false),
        };
        let at_record = self.at_record(id).await?;
        if at_record == AtRecord::Tombstone {
            return Err(Error::Revoked(id));
        }
        // What goes on is sealed with the newest secrets.
        self.rounds().await?;
        let Some(there) = self.intent(id).await? else {
            // What is committed and has no intent is over; committing it again changes nothing.
            return match at_record {
                AtRecord::Record => Ok(resumed(None)),
                _ => Err(Error::Revoked(id)),
            };
        };
        if same_operation && there.operation != intent.operation {
            return Err(Error::Conflict(format!(
                "backup {id} was registered by another operation"
            )));
        }
        let prefix = backup_chain(id);
        let chain = Chain::read(&prefix, &self.objects(&prefix).await?);
        let epoch = chain.map_or(1, |chain| chain.epoch);
        let released = chain.is_some_and(|chain| chain.released);
        let maker = match epoch {
            1 => Some((there.owner, there.operation, there.attempt)),
            epoch => {
                let claim = self.claim(&prefix, epoch).await?;
                claim.map(|claim| (claim.holder.process, claim.holder.operation, claim.attempt))
            }
        };
        if released {
            // Whoever said that it is over never commits again.
            return match at_record {
                AtRecord::Record => Ok(resumed(None)),
                _ => Err(Error::Revoked(id)),
            };
        }
        let gone = |(maker, operation, attempt): &(ProcessIdentity, OperationId, Option<u64>)| {
            // Whoever owned the operation before is fenced off by its journal, wherever it runs and whether it lives.
            let is_fenced = *operation == intent.operation
                && intent
                    .attempt
                    .is_some_and(|ours| attempt.is_none_or(|theirs| theirs < ours));
            *maker == intent.owner || is_fenced || self.host().is_dead(maker)
        };
        if !maker.as_ref().is_some_and(gone) {
            let maker = maker.map_or("another process".to_owned(), |(maker, ..)| {
                format!("process {} on {}", maker.pid, maker.host)
            });
            return Err(Error::Busy(format!("backup {id} is being made by {maker}")));
        }
        let claim = Claim {
            holder: LeaseHolder {
                process: intent.owner.clone(),
                operation: intent.operation,
                purpose: BACKUP.to_owned(),
            },
            claim: OperationId::from_bytes(crate::cipher::random()?),
            attempt: intent.attempt,
        };
        match self.take(&prefix, epoch + 1, &claim).await? {
            Some(lease) => Ok(resumed(Some(lease))),
            None => Err(Error::Busy(format!(
                "backup {id} is being resumed by another process"
            ))),
        }
    }

    /// Takes back what was begun. `sole` says that this process began it, and that no commit was tried: then nothing
    /// stays. Otherwise a tombstone keeps whoever may still be at it from committing.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is committed.
    pub async fn abandon(&self, id: BackupId, sole: bool) -> Result<(), Error> {
        if !sole && self.intent(id).await?.is_some() && !self.rule_out(id).await? {
            return Err(Error::Conflict(format!("backup {id} is committed")));
        }
        self.forget(id).await
    }

    /// Removes the intent and the signs of life of a backup that nobody makes any more.
    pub(crate) async fn forget(&self, id: BackupId) -> Result<(), Error> {
        self.remove_if_allowed(&intent_key(id)?).await?;
        for object in self.objects(&backup_chain(id)).await? {
            self.remove_if_allowed(&object.key).await?;
        }
        Ok(())
    }
}

impl Writer {
    /// Whether this process alone has made the backup and has not tried to commit it: see [`Vault::abandon`].
    #[must_use]
    pub fn is_sole(&self) -> bool {
        self.sole && !self.tried.load(Ordering::Relaxed)
    }

    /// The number of this attempt: what was seen under another may have been collected since.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.lease.as_ref().map_or(0, Lease::epoch)
    }

    /// Writes the commit record, then its facts. Succeeds when the same record is there already. `packs` are those that
    /// the backup relies on, all of which were seen in the store.
    ///
    /// # Errors
    /// [`Error::Revoked`] when a collector has ruled this backup out; [`Error::Conflict`] when another record is there,
    /// or when the backup relies on what it has seen to be going.
    pub async fn commit(&self, record: &Record, packs: &[PackId]) -> Result<(), Error> {
        self.commit_now(record, packs, false).await.map(drop)
    }

    /// As [`Writer::commit`]; gives the record as it is read back meanwhile, where it could be read.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub async fn commit_and_read(&self, record: &Record, packs: &[PackId]) -> Result<Option<Record>, Error> {
        self.commit_now(record, packs, true).await
    }

    async fn commit_now(
        &self,
        record: &Record,
        packs: &[PackId],
        reads_back: bool,
    ) -> Result<Option<Record>, Error> {
        if let Some(saw) = self.saw
            && let Some(open) = self.vault.rounds().await?.open
            && open.number == saw
            && let Some(pack) = packs.iter().find(|pack| open.packs.contains(pack))
            && !bug(Bug::RelyOnMarkedPacks)
        {
            return Err(Error::Conflict(format!(
                "backup {} relies on pack {pack}, which is being collected",
                self.backup
            )));
        }
        if let Some(exclusive) = &self.exclusive {
            exclusive.confirm().await?;
        }
        self.tried.store(true, Ordering::Relaxed);
        let written = self
            .vault
            .write_record(record, self.lease.is_some(), reads_back)
            .await;
        if written.as_ref().is_err_and(|error| error.kind().is_transient()) {
            self.doubtful.store(true, Ordering::Relaxed);
        }
        written
    }

    /// Ends after the commit: nobody waits for this backup any more. Says that the key of its record is free of us only
    /// where every request to create it was answered, and nobody else made this backup before: a request that comes
    /// late must not bring back what was deleted.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn finish(self) -> Result<(), Error> {
        drop(self.vault.begun().take(self.backup));
        if let Some(lease) = self.lease
            && self.sole
            && !self.doubtful.load(Ordering::Relaxed)
        {
            lease.release().await?;
        }
        let_go(self.exclusive).await
    }

    /// Ends before any commit, and takes back what was begun.
    ///
    /// # Errors
    /// As [`Vault::abandon`].
    pub async fn abandon(self) -> Result<(), Error> {
        let sole = self.is_sole();
        drop(self.vault.begun().take(self.backup));
        drop(self.lease);
        self.vault.abandon(self.backup, sole).await?;
        let_go(self.exclusive).await
    }
}

async fn let_go(exclusive: Option<Lease>) -> Result<(), Error> {
    match exclusive {
        Some(lease) => lease.release().await,
        None => Ok(()),
    }
}

/// What is where a backup's commit record would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Free,
    /// A commit record.
    Taken,
    /// A tombstone: nothing can ever be committed there.
    RuledOut,
}

/// Who makes a backup, as far as the vault tells.
#[derive(Debug, Clone)]
pub struct Maker {
    /// The process of the last attempt; `None` when that cannot be read.
    pub process: Option<ProcessIdentity>,
    /// When it last showed life, by the store's clock.
    pub seen: Option<Timestamp>,
}

impl Vault {
    /// Who makes the backup of this intent, and when that was last seen.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn maker(&self, intent: &Intent) -> Result<Maker, Error> {
        let prefix = backup_chain(intent.backup);
        let objects = self.objects(&prefix).await?;
        let process = match Chain::read(&prefix, &objects).map_or(1, |chain| chain.epoch) {
            1 => Some(intent.owner.clone()),
            epoch => self
                .claim(&prefix, epoch)
                .await?
                .map(|claim| claim.holder.process),
        };
        let seen = objects.iter().filter_map(|object| object.modified).max();
        Ok(Maker {
            process,
            seen: seen.or(Some(intent.started)),
        })
    }
}
